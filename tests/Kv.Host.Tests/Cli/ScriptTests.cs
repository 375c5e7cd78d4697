using System.Text.Json;

namespace Kv.Host.Tests.Cli;

/// <summary>The real process with commands from a pipe.</summary>
public sealed class ScriptTests : IAsyncLifetime
{
    private FakeKvServer _server = null!;

    public async Task InitializeAsync() => _server = await FakeKvServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Lines_run_in_order_without_prompt_or_colour()
    {
        KvRun run = await RunAsync("# fill\n\nset x {\"a\": [1, 2]}\n  SET 'y z' hello  \r\nget x\nprint\n");

        Assert.Equal(
            new KvRun(0, "OK\nOK\n{\"a\": [1, 2]}\nx = {\"a\": [1, 2]}\n\"y z\" = \"hello\"\n", ""), run);
    }

    [Fact]
    public async Task The_first_failed_line_ends_the_run_and_is_named()
    {
        KvRun run = await RunAsync("set x 1\nget nothing\nset x 2\n");

        Assert.Equal(new KvRun(1, "OK\n", "kv: line 2: no key nothing.\n"), run);
        Assert.Equal("1", _server.Node.Store["x"]);
    }

    [Fact]
    public async Task With_keep_going_every_line_runs_and_the_first_failure_decides_the_exit_code()
    {
        KvRun run = await RunAsync("frobnicate\nget nothing\nset x 2", "--keep-going");

        Assert.Equal((2, "OK\n"), (run.ExitCode, run.Output));
        Assert.StartsWith("kv: line 1: unknown command frobnicate", run.Errors, StringComparison.Ordinal);
        Assert.EndsWith("kv: line 2: no key nothing.\n", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exit_ends_the_run()
    {
        KvRun run = await RunAsync("exit\nset x 1\n");

        Assert.Equal(new KvRun(0, "", ""), run);
        Assert.Empty(_server.Node.Calls);
    }

    [Fact]
    public async Task In_JSON_failures_carry_the_line()
    {
        KvRun run = await RunAsync("set x 1\nset x {\n", "--output", "json");

        using var error = JsonDocument.Parse(run.Errors);
        Assert.Equal(2, error.RootElement.GetProperty("line").GetInt32());
        Assert.Equal(2, run.ExitCode);
    }

    private Task<KvRun> RunAsync(string input, params string[] arguments) => KvProcess.RunAsync(
        input, new Dictionary<string, string>(), ["--target", _server.Address, .. arguments]);
}
