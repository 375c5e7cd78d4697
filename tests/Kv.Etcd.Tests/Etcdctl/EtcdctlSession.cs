using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Kv.Etcd.Tests.Etcdctl;

/// <summary>Plays a script against one server and keeps what etcdctl said, masked.</summary>
internal sealed partial class EtcdctlSession(string target, string directory) : IDisposable
{
    private readonly Dictionary<string, EtcdctlProcess> _background = [];
    private readonly Dictionary<string, string> _known = new()
    {
        ["endpoint"] = target,
        ["directory"] = directory,
    };

    /// <summary>Each step and what came of it.</summary>
    public async Task<IReadOnlyList<string>> PlayAsync(EtcdctlScript script)
    {
        List<string> said = [];
        foreach (EtcdctlStep step in script.Steps)
        {
            said.Add($"{step.Line}\n{EtcdctlMask.Apply(await PlayAsync(step), _known)}");
        }
        return said;
    }

    public void Dispose()
    {
        foreach (EtcdctlProcess process in _background.Values)
        {
            process.Dispose();
        }
    }

    private async Task<string> PlayAsync(EtcdctlStep step)
    {
        switch (step.Kind)
        {
            case StepKind.Run:
                return await RunAsync(step);
            case StepKind.Grant:
                string granted = await RunAsync(step);
                if (LeaseId().Match(granted) is { Success: true, Value: var id })
                {
                    _known[step.Name] = id;
                    // In fields and JSON it is a number.
                    _known[$"{step.Name} in decimal"] = $"{Convert.ToInt64(id, 16)}";
                }
                return granted;
            case StepKind.Start:
                EtcdctlProcess started = Start(step);
                _background[step.Name] = started;
                await started.WriteAsync(Filled(step.Input), end: false);
                return "";
            case StepKind.Await:
                EtcdctlProcess awaited = _background[step.Name];
                await awaited.WroteAsync(Filled(step.Arguments[0]));
                await awaited.WriteAsync(Filled(step.Input), end: false);
                return "";
            case StepKind.Interrupt:
                using (EtcdctlProcess ending = _background[step.Name])
                {
                    _background.Remove(step.Name);
                    ending.Interrupt();
                    return await ending.EndAsync();
                }
            case StepKind.Repeat:
                await Eventually.HoldsAsync(
                    step.Line,
                    async () => (await RunAsync(step)).Contains(step.Name, StringComparison.Ordinal));
                return "";
            default:
                throw new UnreachableException($"Unknown step {step.Kind}.");
        }
    }

    private async Task<string> RunAsync(EtcdctlStep step)
    {
        using EtcdctlProcess process = Start(step);
        await process.WriteAsync(Filled(step.Input), end: true);
        return await process.EndAsync();
    }

    private EtcdctlProcess Start(EtcdctlStep step) =>
        EtcdctlProcess.Start(target, step.Arguments.Select(Filled));

    private string Filled(string text) => _known.Aggregate(
        text,
        static (filled, known) => filled.Replace($"{{{known.Key}}}", known.Value, StringComparison.Ordinal));

    [GeneratedRegex("(?<=^lease )[0-9a-f]+", RegexOptions.Multiline)]
    private static partial Regex LeaseId();
}
