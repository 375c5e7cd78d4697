using Kv.Cli;
using Kv.Cli.Commands;
using Kv.Cli.Interactive;
using Kv.Cli.Lines;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cli;

public sealed class ConversationPartsTests
{
    [Fact]
    public void The_arrows_go_through_the_history_and_back_to_the_draft()
    {
        var history = new LineHistory();
        history.Add("one");
        history.Add("two");

        Assert.Equal("two", history.Previous("draft"));
        Assert.Equal("one", history.Previous("two"));
        Assert.Null(history.Previous("one"));
        Assert.Equal("two", history.Next());
        Assert.Equal("draft", history.Next());
        Assert.Null(history.Next());
    }

    [Fact]
    public void The_history_keeps_no_blank_and_no_repeated_line_and_only_the_newest_thousand()
    {
        var history = new LineHistory();
        for (int number = 0; number <= LineHistory.LinesMax; number++)
        {
            history.Add($"line {number}");
        }

        Assert.False(history.Add($"line {LineHistory.LinesMax}"));
        Assert.False(history.Add("  "));
        Assert.Equal(LineHistory.LinesMax, history.Lines.Count);
        Assert.Equal("line 1", history.Lines[0]);
    }

    [Fact]
    public void The_history_file_is_bounded_private_and_read_back()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "history");
        File.WriteAllLines(
            path, Enumerable.Range(0, LineHistory.LinesMax).Select(number => $"line {number}"));

        var file = new HistoryFile(path);
        file.Append("newest");

        Assert.Equal(LineHistory.LinesMax, File.ReadAllLines(path).Length);
        Assert.Equal("newest", file.Load()[^1]);
        Assert.Equal("line 1", file.Load()[0]);
        Assert.True(
            OperatingSystem.IsWindows()
            || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Theory]
    [InlineData("/dev/null/history")]
    [InlineData("/proc/history")]
    [InlineData("/")]
    [InlineData("/nonexistent/history")]
    public void A_history_that_cannot_be_kept_is_passed_over(string path)
    {
        var file = new HistoryFile(path);

        file.Append("line");

        Assert.Empty(file.Load());
    }

    [Fact]
    public void A_history_line_that_would_command_the_terminal_is_dropped()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "history");
        File.WriteAllText(path, "get x\n\e[2J\nget y\n");

        Assert.Equal(["get x", "get y"], new HistoryFile(path).Load());
    }

    [Theory]
    [InlineData(
        "",
        0,
        "set|get|del|print|put|range|txn|watch|lease|lock|compact|status|cluster-size|snapshot|help|exit"
            + "|quit")]
    [InlineData("s", 0, "set|status|snapshot")]
    [InlineData("  ST", 2, "STATUS")]
    [InlineData("get ", 4, "fox|foo|\"two words\"")]
    [InlineData("get fo", 4, "fox|foo")]
    [InlineData("set two", 4, "\"two words\"")]
    [InlineData("set \"two w", 4, "\"two words\"")]
    [InlineData("del 'two", 4, "")]
    [InlineData("set fox ", 8, "")]
    [InlineData("get fox --", 8, "--local")]
    [InlineData("print --l", 6, "--limit|--local")]
    [InlineData("print fo", 6, "fox|foo")]
    [InlineData("status ", 7, "")]
    [InlineData("l", 0, "lease|lock")]
    [InlineData("watch fo", 6, "fox|foo")]
    [InlineData("range fox --pre", 10, "--prefix")]
    [InlineData("lease r", 6, "revoke")]
    public void Completion_offers_commands_then_keys_and_options(string line, int start, string expected)
    {
        string[] candidates = expected.Split('|', StringSplitOptions.RemoveEmptyEntries);

        Completion completion = Completer.Complete(line, ["fox", "foo", "two words"]);

        Assert.Equal(candidates, completion.Candidates);
        Assert.Equal(start, completion.Start);
    }

    [Fact]
    public void Recent_keys_come_newest_first_and_are_bounded()
    {
        var keys = new RecentKeys();
        keys.Learn(new Command.Get("old", false));
        keys.Learn(new Command.Print("", "", 0, false), new PrintReply
        {
            Entries = { new KeyValue { Key = "p1" }, new KeyValue { Key = "p2" } },
        });
        keys.Learn(new Command.Set("old", "1"));
        Assert.Equal(["old", "p1", "p2"], keys.Keys);

        for (int number = 0; number < RecentKeys.KeysMax; number++)
        {
            keys.Learn(new Command.Del($"k{number}"));
        }

        Assert.Equal(RecentKeys.KeysMax, keys.Keys.Count());
        Assert.DoesNotContain("old", keys.Keys);
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_refused_and_the_next_one_read()
    {
        string tooLong = new('x', LineReader.LineCharsMax + 1);
        var lines = new LineReader(new StringReader($"first\r\n{tooLong}\nlast"));

        Assert.Equal("first", await lines.ReadAsync());
        await Assert.ThrowsAsync<UsageException>(lines.ReadAsync);
        Assert.Equal("last", await lines.ReadAsync());
        Assert.Null(await lines.ReadAsync());
    }
}
