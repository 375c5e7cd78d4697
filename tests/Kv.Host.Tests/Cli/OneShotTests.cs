using System.Diagnostics;
using System.Text.Json;
using Grpc.Core;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Cli;

/// <summary>The real process against one fake node: what it prints and leaves with.</summary>
public sealed class OneShotTests : IAsyncLifetime
{
    private FakeKvServer _server = null!;

    public async Task InitializeAsync() => _server = await FakeKvServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_value_set_is_the_value_got_and_alone_on_standard_output()
    {
        KvRun set = await RunAsync("set", "x", "{\"a\": [1, 2.50]}");
        KvRun get = await RunAsync("GET", "x");

        Assert.Equal(new KvRun(0, "OK\n", ""), set);
        Assert.Equal(new KvRun(0, "{\"a\": [1, 2.50]}\n", ""), get);
    }

    [Fact]
    public async Task A_word_that_is_no_JSON_is_stored_as_a_string()
    {
        await RunAsync("set", "two words", "grüß dich");

        Assert.Equal("\"grüß dich\"", _server.Node.Store["two words"]);
    }

    [Fact]
    public async Task A_missing_key_leaves_standard_output_empty_and_exits_1()
    {
        KvRun get = await RunAsync("get", "nothing");

        Assert.Equal(new KvRun(1, "", "kv: no key nothing.\n"), get);
    }

    [Fact]
    public async Task Del_tells_how_many_keys_it_deleted()
    {
        _server.Node.Store["x"] = "1";

        Assert.Equal(new KvRun(0, "deleted 1\n", ""), await RunAsync("del", "x"));
        Assert.Equal(new KvRun(0, "deleted 0\n", ""), await RunAsync("del", "x"));
    }

    [Fact]
    public async Task Print_takes_prefix_limit_after_and_consistency()
    {
        foreach (string key in new[] { "a", "k1", "k2", "k3", "z" })
        {
            _server.Node.Store[key] = "1";
        }

        KvRun print = await RunAsync("print", "k", "--after", "k1", "--limit", "1", "--local");

        Assert.Equal(new KvRun(0, "k2 = 1\n", "kv: there are more keys: print --after k2.\n"), print);
        Assert.Equal([Consistency.Local], _server.Node.Consistencies);
    }

    [Fact]
    public async Task Status_tells_the_node_and_its_state()
    {
        KvRun status = await RunAsync("status");

        Assert.Equal(0, status.ExitCode);
        Assert.Matches("(?m)^node +n1$", status.Output);
        Assert.Matches("(?m)^state +ready$", status.Output);
    }

    [Theory]
    [InlineData("set", "x", "1")]
    [InlineData("get", "x")]
    [InlineData("del", "x")]
    [InlineData("print")]
    [InlineData("status")]
    public async Task In_JSON_every_reply_is_one_object_on_one_line(params string[] command)
    {
        _server.Node.Store["x"] = "{\n\"a\": 1\n}";

        KvRun run = await RunAsync(["--output", "json", .. command]);

        string line = Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        using var json = JsonDocument.Parse(line);
        Assert.Equal(command[0], json.RootElement.GetProperty("command").GetString());
        Assert.Equal("n1", json.RootElement.GetProperty("node").GetString());
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
    }

    [Fact]
    public async Task In_JSON_a_missing_key_is_a_reply_and_exits_1()
    {
        KvRun get = await RunAsync("get", "nothing", "--output=json");

        using var json = JsonDocument.Parse(get.Output);
        Assert.False(json.RootElement.GetProperty("found").GetBoolean());
        Assert.Equal((1, ""), (get.ExitCode, get.Errors));
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument, 5)]
    [InlineData(StatusCode.ResourceExhausted, 5)]
    [InlineData(StatusCode.FailedPrecondition, 5)]
    [InlineData(StatusCode.Unavailable, 3)]
    [InlineData(StatusCode.DeadlineExceeded, 4)]
    [InlineData(StatusCode.Unknown, 4)]
    [InlineData(StatusCode.DataLoss, 6)]
    public async Task A_status_of_the_server_is_told_in_its_words_with_the_exit_code_of_its_kind(
        StatusCode code, int exitCode)
    {
        _server.Node.Answer(code, "The reason the node gives.");

        KvRun text = await RunAsync("set", "x", "1");
        KvRun json = await RunAsync("--output", "json", "set", "x", "1");

        Assert.Equal((exitCode, ""), (text.ExitCode, text.Output));
        Assert.Matches("^kv: .*The reason the node gives\\..*\n$", text.Errors);
        using var error = JsonDocument.Parse(json.Errors);
        Assert.Equal(exitCode, error.RootElement.GetProperty("exit_code").GetInt32());
        Assert.Equal((exitCode, ""), (json.ExitCode, json.Output));
    }

    [Fact]
    public async Task Ctrl_C_during_a_write_reports_the_outcome_as_unknown()
    {
        _server.Node.Hang();
        using Process process = KvProcess.Start(
            new Dictionary<string, string>(),
            "--target", _server.Address, "--timeout", "50", "set", "x", "1");
        await _server.Node.CallArrivedAsync();

        using Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        KvRun run = await KvProcess.FinishAsync(process);

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("outcome of set x unknown", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "Exit codes", "--help")]
    [InlineData(0, "kv 0.", "--version")]
    public async Task Help_and_version_need_no_node(int exitCode, string text, string option)
    {
        KvRun run = await KvProcess.RunAsync(option);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(text, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_usage_error_exits_2_in_the_format_asked_for()
    {
        KvRun text = await KvProcess.RunAsync("--target", "localhost", "get", "x");
        KvRun json = await KvProcess.RunAsync("--target", "localhost", "--output", "json", "get", "x");

        Assert.Equal(2, text.ExitCode);
        Assert.StartsWith(
            "kv: bad target \"localhost\": give host:port", text.Errors, StringComparison.Ordinal);
        using var error = JsonDocument.Parse(json.Errors);
        Assert.Equal("Usage", error.RootElement.GetProperty("error").GetString());
        Assert.Equal(2, json.ExitCode);
    }

    private Task<KvRun> RunAsync(params string[] arguments) =>
        KvProcess.RunAsync(["--target", _server.Address, .. arguments]);
}
