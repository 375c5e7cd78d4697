using Kv.Cli;
using Kv.Cli.Commands;

namespace Kv.Host.Tests.Cli;

public sealed class CliOptionsParserTests
{
    [Fact]
    public void Without_arguments_it_is_a_conversation_with_the_default_target()
    {
        CliOptions options = Parse();

        Assert.Equal(["localhost:50051"], Targets(options));
        Assert.Equal(TimeSpan.FromSeconds(5), options.Timeout);
        Assert.Equal(OutputFormat.Text, options.Output);
        Assert.Null(options.Command);
    }

    [Fact]
    public void The_environment_names_the_default_targets()
    {
        CliOptions options = CliOptionsParser.Parse([], name => name == "KV_TARGET" ? "a:1, b:2" : null);

        Assert.Equal(["a:1", "b:2"], Targets(options));
    }

    [Fact]
    public void Targets_add_up_in_order_and_each_counts_once()
    {
        CliOptions options = Parse("--target", "a:1,b:2", "--target=[::1]:3", "--target", "a:1");

        Assert.Equal(["a:1", "b:2", "[::1]:3"], Targets(options));
    }

    [Fact]
    public void Options_may_stand_before_and_after_the_command()
    {
        CliOptions options = Parse("--output", "json", "get", "x", "--timeout=0.5", "--local");

        Assert.Equal(OutputFormat.Json, options.Output);
        Assert.Equal(TimeSpan.FromMilliseconds(500), options.Timeout);
        Assert.Equal(new Command.Get("x", Local: true), options.Command);
    }

    [Fact]
    public void After_two_dashes_nothing_is_an_option()
    {
        CliOptions options = Parse("set", "--", "x", "--output");

        Assert.Equal(new Command.Set("x", "\"--output\""), options.Command);
    }

    [Theory]
    [InlineData("host:port", "--target", "localhost")]
    [InlineData("port 1 to 65535", "--target", "host:99999")]
    [InlineData("port 1 to 65535", "--target", "host:0")]
    [InlineData("[::1]:50051", "--target", "::1:50051")]
    [InlineData("host:port", "--target", "http://host:50051")]
    [InlineData("host:port", "--target", ":50051")]
    [InlineData("host:port", "--target", "a:1,,b:2")]
    [InlineData("host:port", "--target", "")]
    [InlineData("--target needs a value", "--target")]
    [InlineData("text or json", "--output", "xml")]
    [InlineData("seconds from 0.001 to 3600", "--timeout", "0")]
    [InlineData("seconds from 0.001 to 3600", "--timeout", "-1")]
    [InlineData("seconds from 0.001 to 3600", "--timeout", "soon")]
    [InlineData("unknown option --frob", "--frob")]
    [InlineData("unknown option -t", "-t", "a:1", "get", "x")]
    [InlineData("no option --frob", "get", "x", "--frob")]
    [InlineData("command is missing", "--")]
    public void Wrong_arguments_are_refused_with_what_is_allowed(string allowed, params string[] arguments)
    {
        var error = Assert.Throws<UsageException>(() => Parse(arguments));

        Assert.Contains(allowed, error.Message, StringComparison.Ordinal);
    }

    private static CliOptions Parse(params string[] arguments) =>
        CliOptionsParser.Parse(arguments, _ => null);

    private static IEnumerable<string> Targets(CliOptions options) =>
        options.Targets.Select(target => target.ToString());
}
