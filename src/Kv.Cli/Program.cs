using System.Text;
using Kv.Cli.Calls;
using Kv.Cli.Commands;
using Kv.Cli.Interactive;
using Kv.Cli.Lines;
using Kv.Cli.Output;

namespace Kv.Cli;

/// <summary>Puts the parts together: one command, a script from a pipe, or a conversation.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        using TextWriter replies = OpenText(Console.OpenStandardOutput());
        using TextWriter errors = OpenText(Console.OpenStandardError());
        CliOptions options;
        try
        {
            options = CliOptionsParser.Parse(arguments, Environment.GetEnvironmentVariable);
        }
        catch (UsageException error)
        {
            OutputFormat format =
                CliOptionsParser.WantsJson(arguments) ? OutputFormat.Json : OutputFormat.Text;
            PlainOutput(format, replies, errors).Fail(Failure.Usage(error));
            return (int)ExitCode.Usage;
        }

        if (options.ShowHelp || options.ShowVersion)
        {
            replies.Write(options.ShowHelp ? HelpText.Process : $"kv {HelpText.Version}\n");
            return (int)ExitCode.Ok;
        }

        return (int)await RunAsync(options, replies, errors);
    }

    private static async Task<ExitCode> RunAsync(
        CliOptions options, TextWriter replies, TextWriter errors)
    {
        using var interrupts = new Interrupts();
        Credentials? credentials;
        try
        {
            credentials = options.User is { } user
                ? Credentials.Parse(user, name => PasswordPrompt.Ask(name, errors))
                : null;
        }
        catch (UsageException error)
        {
            PlainOutput(options.Output, replies, errors).Fail(Failure.Usage(error));
            return ExitCode.Usage;
        }

        using var targets = new TargetSet(options.Targets, options.Timeout, credentials);
        if (options.Command is null && !Console.IsInputRedirected && !Console.IsOutputRedirected)
        {
            return await Conversation.RunAsync(options, targets, interrupts, replies, errors);
        }

        IOutput output = PlainOutput(options.Output, replies, errors);
        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        var lines = new LineReader(input);
        var runner = new CommandRunner(targets, output) { MoreLines = prompt => MoreLinesAsync(prompt) };
        if (options.Command is null)
        {
            return await new Script(runner, output, interrupts).RunAsync(lines, options.KeepGoing);
        }

        try
        {
            using Interrupts.Scope interrupt = interrupts.Begin();
            return await runner.RunAsync(options.Command, interrupt.Token);
        }
        catch (UsageException error)
        {
            output.Fail(Failure.Usage(error));
            return ExitCode.Usage;
        }

        Task<string?> MoreLinesAsync(string prompt)
        {
            if (!Console.IsInputRedirected)
            {
                errors.Write($"{prompt} ");
                errors.Flush();
            }

            return lines.ReadAsync();
        }
    }

    private static IOutput PlainOutput(OutputFormat format, TextWriter replies, TextWriter errors) =>
        format == OutputFormat.Json
            ? new JsonOutput(replies, errors)
            : new TextOutput(replies, errors, new Palette(coloured: false), inConversation: false);

    /// <summary>UTF-8 whatever the locale says: keys and values are UTF-8.</summary>
    private static StreamWriter OpenText(Stream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 16 * 1024);
}
