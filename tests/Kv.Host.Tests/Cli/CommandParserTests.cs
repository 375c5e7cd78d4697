using Kv.Cli;
using Kv.Cli.Commands;
using Kv.Cli.Lines;

namespace Kv.Host.Tests.Cli;

public sealed class CommandParserTests
{
    [Theory]
    [InlineData("")]
    [InlineData("   \t ")]
    [InlineData("# a comment")]
    [InlineData("   # set x 1")]
    public void Blank_lines_and_comments_are_no_command(string line) =>
        Assert.Null(CommandParser.ParseLine(line));

    [Fact]
    public void A_set_takes_the_rest_of_the_line_as_its_value() =>
        Assert.Equal(
            new Command.Set("x", "{\"a\": [\"it's\", \"b c\"]}"),
            CommandParser.ParseLine("  SeT  x   {\"a\": [\"it's\", \"b c\"]}  "));

    [Theory]
    [InlineData("get plain", "plain")]
    [InlineData("get 'two words'", "two words")]
    [InlineData("get 'no \\escape \"here\"'", "no \\escape \"here\"")]
    [InlineData("get \"tab\\there\"", "tab\there")]
    [InlineData("get it's", "it's")]
    [InlineData("get [red]", "[red]")]
    [InlineData("get '--local'", "--local")]
    [InlineData("get -- --local", "--local")]
    public void A_key_may_be_bare_or_quoted(string line, string key) =>
        Assert.Equal(new Command.Get(key, Local: false), CommandParser.ParseLine(line));

    [Fact]
    public void Options_may_stand_anywhere_after_the_command()
    {
        var all = new Command.Print("", "", 0, Local: false);

        Assert.Equal(all, CommandParser.ParseLine("print"));
        Assert.Equal(all with { Prefix = "a", KeysMax = 3 }, CommandParser.ParseLine("print --limit 3 a"));
        Assert.Equal(all with { Prefix = "a", KeysMax = 3 }, CommandParser.ParseLine("PRINT a --limit=3"));
        Assert.Equal(
            all with { After = "two words", Local = true },
            CommandParser.ParseLine("print --local --after 'two words'"));
        Assert.Equal(new Command.Get("k", Local: true), CommandParser.ParseLine("get --local k"));
    }

    [Theory]
    [InlineData("status", typeof(Command.Status))]
    [InlineData("Cluster-Size 3", typeof(Command.SetClusterSize))]
    [InlineData("HELP", typeof(Command.Help))]
    [InlineData("exit", typeof(Command.Exit))]
    [InlineData("Quit", typeof(Command.Exit))]
    public void Commands_are_known_in_any_case(string line, Type type) =>
        Assert.IsType(type, CommandParser.ParseLine(line));

    [Theory]
    [InlineData("frobnicate", "unknown command frobnicate")]
    [InlineData("set", "key and a value")]
    [InlineData("set x", "key and a value")]
    [InlineData("get", "get needs a key")]
    [InlineData("cluster-size", "such as cluster-size 3")]
    [InlineData("cluster-size many", "such as cluster-size 3")]
    [InlineData("cluster-size 3 4", "no use for 4")]
    [InlineData("get a b", "no use for b")]
    [InlineData("get --limit 3 a", "no option --limit")]
    [InlineData("del --local a", "no option --local")]
    [InlineData("print --limit", "--limit needs a value")]
    [InlineData("print --limit 0", "from 1")]
    [InlineData("print --limit -3", "from 1")]
    [InlineData("print --limit many", "from 1")]
    [InlineData("status x", "no use for x")]
    [InlineData("get \"bad \\escape\"", "not a JSON string")]
    [InlineData("get \"\\ud800\"", "not a JSON string")]
    [InlineData("get \"open", "not closed")]
    public void A_wrong_line_is_refused_with_a_reason(string line, string reason)
    {
        var error = Assert.Throws<UsageException>(() => CommandParser.ParseLine(line));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_are_words_as_the_shell_split_them()
    {
        Assert.Equal(new Command.Set("a b", "\"c d\""), CommandParser.ParseArguments(["set", "a b", "c d"]));
        Assert.Equal(new Command.Set("n", "-1"), CommandParser.ParseArguments(["set", "n", "-1"]));
        Assert.Equal(
            new Command.Set("--k", "\"--v\""), CommandParser.ParseArguments(["set", "--", "--k", "--v"]));
        Assert.Equal(new Command.Del("'q'"), CommandParser.ParseArguments(["DEL", "'q'"]));
    }

    [Theory]
    [InlineData("set", "x", "hello", "world")]
    [InlineData("set", "x", "--frob")]
    [InlineData("set", "x")]
    public void Arguments_of_set_are_one_key_and_one_value(params string[] arguments) =>
        Assert.Throws<UsageException>(() => CommandParser.ParseArguments(arguments));

    [Theory]
    [InlineData("plain")]
    [InlineData("two words")]
    [InlineData("")]
    [InlineData("--local")]
    [InlineData("'")]
    [InlineData("\"quoted\"")]
    [InlineData("a\tb\u001b[31m\u0085\u202e")]
    [InlineData("it's [red] \\ 日本 😀")]
    public void A_key_as_shown_names_the_same_key_when_typed(string key) =>
        Assert.Equal(new Command.Del(key), CommandParser.ParseLine($"del {KeyText.Show(key)}"));
}
