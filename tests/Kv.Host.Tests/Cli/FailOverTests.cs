using System.Net;
using System.Net.Sockets;
using Grpc.Core;

namespace Kv.Host.Tests.Cli;

/// <summary>The real process against two fake nodes: what is sent a second time and what never is.</summary>
public sealed class FailOverTests : IAsyncLifetime
{
    /// <summary>Long enough for a process to start and connect on a busy machine.</summary>
    private const string TimeoutSeconds = "4";

    private FakeKvServer _first = null!;
    private FakeKvServer _second = null!;

    public async Task InitializeAsync()
    {
        _first = await FakeKvServer.StartAsync("n1");
        _second = await FakeKvServer.StartAsync("n2");
        _second.Node.Store["x"] = "2";
    }

    public async Task DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Fact]
    public async Task A_refused_connection_sends_reads_and_writes_to_the_next_target()
    {
        string nobody = UnusedAddress();

        KvRun set = await KvProcess.RunAsync(
            "--target", nobody, "--target", _second.Address, "set", "y", "1");
        KvRun get = await KvProcess.RunAsync("--target", $"{nobody},{_second.Address}", "get", "y");

        Assert.Equal(new KvRun(0, "OK\n", ""), set);
        Assert.Equal(new KvRun(0, "1\n", ""), get);
        Assert.Equal(["Set y 1", "Get y"], _second.Node.Calls);
    }

    [Fact]
    public async Task Nobody_anywhere_is_told_with_all_addresses_and_what_to_try()
    {
        (string one, string two) = (UnusedAddress(), UnusedAddress());

        KvRun run = await KvProcess.RunAsync("--target", $"{one},{two}", "set", "x", "1");

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(
            $"kv: cannot connect to {one}, {two}: connection refused. Is a node running there? "
            + "Start one with ./run, or give --target host:port.\n",
            run.Errors);
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_told_by_name()
    {
        KvRun run = await KvProcess.RunAsync("--target", "no-such-host.invalid:1", "get", "x");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("no-such-host.invalid:1: no such host", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_says_UNAVAILABLE_sends_the_write_to_the_next_target_once()
    {
        _first.Node.Answer(StatusCode.Unavailable, "starting");

        KvRun set = await RunAsync("set", "x", "1");

        Assert.Equal(new KvRun(0, "OK\n", ""), set);
        Assert.Equal(["Set x 1"], _first.Node.Calls);
        Assert.Equal(["Set x 1"], _second.Node.Calls);
    }

    [Theory]
    [InlineData("set", "x", "1")]
    [InlineData("del", "x")]
    public async Task A_connection_that_breaks_under_a_write_leaves_its_outcome_unknown(
        params string[] command)
    {
        _first.Node.BreakConnection();

        KvRun run = await RunAsync(command);

        Assert.Equal((4, ""), (run.ExitCode, run.Output));
        Assert.Contains("connection broke", run.Errors, StringComparison.Ordinal);
        Assert.Contains("may or may not have been applied", run.Errors, StringComparison.Ordinal);
        Assert.Single(_first.Node.Calls);
        Assert.Empty(_second.Node.Calls);
    }

    [Fact]
    public async Task A_write_without_an_answer_in_time_has_an_unknown_outcome()
    {
        _first.Node.Hang();

        KvRun run = await RunAsync("--timeout", TimeoutSeconds, "set", "x", "1");

        Assert.Equal((4, ""), (run.ExitCode, run.Output));
        Assert.Contains($"no answer within {TimeoutSeconds} s", run.Errors, StringComparison.Ordinal);
        Assert.Empty(_second.Node.Calls);
    }

    [Fact]
    public async Task A_proxy_that_answers_503_to_a_write_is_no_promise_of_a_node()
    {
        _first.Node.AnswerInstead = context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        };

        KvRun set = await RunAsync("set", "x", "1");
        KvRun get = await RunAsync("get", "x");

        Assert.Equal(4, set.ExitCode);
        Assert.Equal(new KvRun(0, "2\n", ""), get);
        Assert.Equal(["Get x"], _second.Node.Calls);
    }

    [Fact]
    public async Task A_read_goes_on_when_the_connection_breaks_or_no_answer_comes()
    {
        _first.Node.BreakConnection();
        KvRun broken = await RunAsync("get", "x");

        _first.Node.Hang();
        KvRun late = await RunAsync("--timeout", TimeoutSeconds, "print");

        Assert.Equal(new KvRun(0, "2\n", ""), broken);
        Assert.Equal(new KvRun(0, "x = 2\n", ""), late);
    }

    [Fact]
    public async Task A_read_nobody_answers_exits_3()
    {
        _first.Node.Hang();

        KvRun run = await KvProcess.RunAsync("--target", _first.Address, "--timeout", "0.5", "get", "x");

        Assert.Equal((3, ""), (run.ExitCode, run.Output));
        Assert.Contains("no answer within 0.5 s", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument, 5)]
    [InlineData(StatusCode.DataLoss, 6)]
    public async Task A_definite_answer_is_not_asked_for_again_elsewhere(StatusCode code, int exitCode)
    {
        _first.Node.Answer(code, "no");

        KvRun run = await RunAsync("get", "x");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Empty(_second.Node.Calls);
    }

    [Fact]
    public async Task A_server_that_accepts_and_hangs_up_before_the_request_is_safely_passed_over()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task hangUp = Task.Run(async () => (await listener.AcceptTcpClientAsync()).Close());

        KvRun get = await KvProcess.RunAsync(
            "--target", $"{listener.LocalEndpoint},{_second.Address}", "get", "x");

        await hangUp.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(new KvRun(0, "2\n", ""), get);
    }

    [Fact]
    public async Task A_port_that_speaks_another_protocol_cannot_have_run_a_write()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task answer = Task.Run(async () =>
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
            // Until the client hangs up: closing first could lose the answer on its way.
            await client.GetStream().CopyToAsync(Stream.Null);
        });

        KvRun alone = await KvProcess.RunAsync("--target", $"{listener.LocalEndpoint}", "set", "x", "1");

        await answer.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((3, ""), (alone.ExitCode, alone.Output));
        Assert.Contains("does not speak gRPC", alone.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_stays_with_the_node_that_answered()
    {
        _first.Node.Answer(StatusCode.Unavailable, "starting");

        KvRun run = await KvProcess.RunAsync(
            "get x\nget x\nget x\n",
            new Dictionary<string, string> { ["KV_TARGET"] = $"{_first.Address},{_second.Address}" },
            []);

        Assert.Equal(new KvRun(0, "2\n2\n2\n", ""), run);
        Assert.Single(_first.Node.Calls);
    }

    private Task<KvRun> RunAsync(params string[] arguments) =>
        KvProcess.RunAsync(["--target", $"{_first.Address},{_second.Address}", .. arguments]);

    /// <summary>
    /// An address where a connection is refused: nobody else is given the port for a while.
    /// </summary>
    private static string UnusedAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"{listener.LocalEndpoint}";
    }
}
