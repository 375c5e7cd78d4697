using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Lines;
using Kv.Cli.Output;
using Kv.Protos.V1;
using Spectre.Console;

namespace Kv.Cli.Interactive;

/// <summary>
/// The REPL: reads a command at the prompt, runs it, shows what came of it, until the user leaves.
/// </summary>
internal sealed class Conversation(TargetSet targets, TextWriter screen, Palette palette)
{
    /// <summary>Longest node name in the prompt, characters: the line has to fit behind it.</summary>
    private const int NodeCharsMax = 32;

    private readonly LineHistory _history = new();
    private readonly RecentKeys _recentKeys = new();
    private string _node = "";
    private TargetAddress _target = targets.Current;

    public static async Task<ExitCode> RunAsync(
        CliOptions options, TargetSet targets, Interrupts interrupts, TextWriter replies, TextWriter errors)
    {
        IAnsiConsole console = AnsiConsole.Console;
        bool coloured = console.Profile.Capabilities.ColorSystem != ColorSystem.NoColors;
        var palette = new Palette(coloured);
        IOutput output = options.Output == OutputFormat.Json
            ? new JsonOutput(replies, errors)
            : new TextOutput(replies, errors, palette, inConversation: true);
        var conversation = new Conversation(targets, replies, palette);
        using ILineReader lines = EditingLineReader.IsSupported(console)
            ? new EditingLineReader(
                console, interrupts, conversation.Prompt, conversation._history, conversation._recentKeys)
            : new PlainLineReader(replies, conversation.Prompt);
        var runner = new CommandRunner(targets, output)
        {
            Answered = conversation.Learn,
            MoreLines = prompt => ReadMoreAsync(lines, prompt),
            Complain = error => output.Fail(Failure.Usage(error)),
        };
        return await conversation.RunAsync(lines, runner, output, interrupts);
    }

    private async Task<ExitCode> RunAsync(
        ILineReader lines, CommandRunner runner, IOutput output, Interrupts interrupts)
    {
        HistoryFile? file = HistoryFile.Find(Environment.GetEnvironmentVariable);
        Remember(file?.Load() ?? []);
        await GreetAsync(output, interrupts);
        while (await lines.ReadAsync() is { } line)
        {
            if (_history.Add(line))
            {
                file?.Append(line);
            }

            Command? command = Parse(line, output);
            if (command is Command.Exit)
            {
                break;
            }

            if (command is not null)
            {
                using Interrupts.Scope interrupt = interrupts.Begin();
                await runner.RunAsync(command, interrupt.Token);
            }
        }

        return ExitCode.Ok;
    }

    /// <summary>A line that belongs to the command being run.</summary>
    /// <exception cref="OperationCanceledException">The user gave up, or leaves.</exception>
    private static async Task<string?> ReadMoreAsync(ILineReader lines, string prompt)
    {
        string? line = await lines.ReadAsync(prompt);
        return line is null || lines.WasAbandoned ? throw new OperationCanceledException() : line;
    }

    private static Command? Parse(string line, IOutput output)
    {
        try
        {
            return CommandParser.ParseLine(line);
        }
        catch (UsageException error)
        {
            output.Fail(Failure.Usage(error));
            return null;
        }
    }

    /// <summary>Says who is there. A node that is not is no reason to leave: it may come.</summary>
    private async Task GreetAsync(IOutput output, Interrupts interrupts)
    {
        using Interrupts.Scope interrupt = interrupts.Begin();
        (StatusReply? status, IReadOnlyList<CallFailure> failures) = await targets.CallAsync(
            isWrite: false,
            (client, options) => client.StatusAsync(new StatusRequest(), options),
            interrupt.Token);
        string who;
        if (status is null)
        {
            output.Fail(FailureText.Describe(new Command.Status(), failures));
            who = "not connected";
        }
        else
        {
            LearnNode(status.Node);
            who = TerminalText.Escape($"node {status.Node}, {status.Mode} mode, {status.State}");
        }

        Note($"kv {HelpText.Version}: {who}. HELP lists the commands, EXIT or Ctrl-D leaves.");
    }

    /// <summary>Takes up where the last conversation ended.</summary>
    private void Remember(IReadOnlyList<string> lines)
    {
        foreach (string line in lines)
        {
            _history.Add(line);
            try
            {
                if (CommandParser.ParseLine(line) is { } command)
                {
                    _recentKeys.Learn(command);
                }
            }
            catch (UsageException)
            {
                // A mistyped line is in the history to be corrected, and teaches no key.
            }
        }
    }

    private void Learn(Answer answer)
    {
        _recentKeys.Learn(answer.Command, answer.Reply);
        LearnNode(answer.Reply switch
        {
            SetReply set => set.Node,
            GetReply get => get.Node,
            DelReply del => del.Node,
            PrintReply print => print.Node,
            StatusReply status => status.Node,
            _ => _node,
        });
    }

    private void LearnNode(string node)
    {
        string name = TerminalText.Escape(node);
        _node = name.Length > NodeCharsMax ? name[..NodeCharsMax] : name;
        if (_target != targets.Current)
        {
            _target = targets.Current;
            Note($"(now at {_target})");
        }
    }

    private string Prompt() => _node.Length > 0 ? $"{_node}@{_target}>" : $"{_target}>";

    private void Note(string text)
    {
        screen.Write($"{palette.Paint(Tone.Dim, text)}\n");
        screen.Flush();
    }
}
