using System.CommandLine;
using Kv.Host.Recovery;
using Kv.Host.Settings;

namespace Kv.Host;

/// <summary>The command line: an option for each setting, --help, --version.</summary>
internal static class HostCommand
{
    private const string About = """
        A node of ReplicatedKv, a replicated key-value store.
        Each setting is an option, an environment variable and a name in appsettings.json; options win
        over the environment, the environment over the file.

        kv-host health asks the nodes that run here, by the environment and the file, whether they are
        ready: 0 yes, 1 no. Container health checks use it. kv-host recover, run on a stopped node, makes its
        state the base of a new cluster when a log is lost.

        Exit codes: 0 stopped on request, 1 a node failed again and again, 2 a setting cannot be used,
        3 the node must not run (its name or data directory is in use, or its exchange serves another
        mode).
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand(About);
        Dictionary<Setting, Option<string?>> options = Setting.All.ToDictionary(
            setting => setting,
            setting => new Option<string?>(setting.Option)
            {
                Description = $"{setting.About} {setting.Name}: {setting.Allowed}. Default: "
                    + $"{setting.Default}.",
                HelpName = "value",
            });
        foreach (Option<string?> option in options.Values)
        {
            root.Options.Add(option);
        }
        root.Subcommands.Add(RecoverCommand.Create());
        root.SetAction((parsed, stop) => RunAsync(
            options.Select(pair => KeyValuePair.Create(pair.Key.Name, parsed.GetValue(pair.Value))), stop));
        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            Console.Error.WriteLine($"kv-host: {result.Errors[0].Message} Try --help.");
            return ExitCodes.Usage;
        }
        // Signals are the host's business: it drains before it stops.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    /// <param name="options">Given on the command line; they win over the environment and the files.</param>
    /// <exception cref="SettingException">The first setting that cannot be used.</exception>
    /// <exception cref="InvalidDataException">An appsettings.json is not JSON.</exception>
    public static HostSettings ReadSettings(IEnumerable<KeyValuePair<string, string?>> options) =>
        new SettingsReader(Configuration(options)).Read();

    /// <inheritdoc cref="ReadSettings"/>
    public static IConfiguration Configuration(IEnumerable<KeyValuePair<string, string?>> options) =>
        new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
            .AddJsonFile(Path.Combine(Environment.CurrentDirectory, "appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .AddInMemoryCollection(options.Where(static option => option.Value is not null))
            .Build();

    private static async Task<int> RunAsync(
        IEnumerable<KeyValuePair<string, string?>> options, CancellationToken stop)
    {
        HostSettings settings;
        try
        {
            settings = ReadSettings(options);
            SettingsReader.MakeDataDir(settings);
        }
        catch (Exception wrong) when (wrong is SettingException or InvalidDataException)
        {
            Console.Error.WriteLine($"kv-host: {wrong.Message}");
            return ExitCodes.Usage;
        }
        return await KvHost.RunAsync(settings, stop);
    }
}
