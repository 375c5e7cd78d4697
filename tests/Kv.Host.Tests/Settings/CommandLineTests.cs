using System.Net;
using System.Net.Sockets;
using Kv.Host.Tests.Hosting;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Settings;

public sealed class CommandLineTests
{
    [Fact]
    public async Task Help_lists_every_setting_as_option_and_as_variable()
    {
        HostRun run = await HostRun.ToEndAsync("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.All(HostLaunch.SettingNames, name =>
        {
            Assert.Contains($"{name}:", run.Output, StringComparison.Ordinal);
            Assert.Contains($"  {OptionOf(name)} <value>", run.Output, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Help_lists_no_setting_that_these_tests_do_not_know()
    {
        HostRun run = await HostRun.ToEndAsync("--help");

        Assert.Equal(HostLaunch.SettingNames.Length, run.Output.Split("<value>").Length - 1);
    }

    [Fact]
    public async Task Help_lists_the_exit_codes()
    {
        HostRun run = await HostRun.ToEndAsync("--help");

        Assert.Matches("(?s)Exit codes: 0 .*1 .*2 .*3 ", run.Output);
    }

    [Fact]
    public async Task Version_is_printed()
    {
        HostRun run = await HostRun.ToEndAsync("--version");

        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("0.1.0", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--nodse 3", "--nodse")]
    [InlineData("--nodes", "--nodes")]
    [InlineData("--nodes 1 --nodes 2", "--nodes")]
    [InlineData("serve", "serve")]
    public async Task A_command_line_that_is_not_understood_is_an_error_with_advice(
        string arguments, string named)
    {
        HostRun run = await HostRun.ToEndAsync(arguments.Split(' '));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"'{named}'", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("Try --help.\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_option_wins_over_the_environment()
    {
        await using HostProcess host = await HostProcess.StartAsync(new HostStart
        {
            Environment = new Dictionary<string, string> { ["NODE_ID"] = "environment" },
            Arguments = ["--node-id", "op.ti_o-n:1"],
        });

        StatusReply status = await host.StatusAsync();

        Assert.Equal("op.ti_o-n:1", status.Node);
    }

    [Theory]
    [InlineData("""{"LOG_LEVEL":"file"}""", null, "LOG_LEVEL (--log-level) is \"file\"")]
    [InlineData("""{"LOG_LEVEL":"file"}""", "environment", "LOG_LEVEL (--log-level) is \"environment\"")]
    [InlineData("""{"LOG_LEVEL":""", null, "appsettings.json")]
    public async Task The_environment_wins_over_appsettings_json(
        string file, string? variable, string message)
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "appsettings.json"), file);
        Dictionary<string, string> environment = [];
        if (variable is not null)
        {
            environment["LOG_LEVEL"] = variable;
        }

        HostRun run = await HostRun.ToEndAsync(environment, directory: directory.Path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_port_in_use_is_named_with_advice(int which)
    {
        int port = FreePorts.Take(2);
        using var other = new TcpListener(IPAddress.Loopback, port + which);
        other.Start();

        HostRun run = await HostRun.ToEndAsync(
            new Dictionary<string, string> { ["RPC_PORT"] = $"{port}", ["HTTP_PORT"] = $"{port + 1}" });

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(
            $"kv-host: Failed to bind to address http://127.0.0.1:{port + which}: address already in use. "
            + "Choose other ports with RPC_PORT (--rpc-port) and HTTP_PORT (--http-port).\n",
            run.Error);
        // No stack trace either.
        Assert.DoesNotContain("   at ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_not_this_machines_is_named_with_advice()
    {
        int port = FreePorts.Take(2);

        HostRun run = await HostRun.ToEndAsync(new Dictionary<string, string>
        {
            ["KV_BIND_ADDRESS"] = "192.0.2.1",
            ["RPC_PORT"] = $"{port}",
            ["HTTP_PORT"] = $"{port + 1}",
        });

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("kv-host: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("KV_BIND_ADDRESS (--bind-address)", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_can_listen_on_all_addresses()
    {
        await using HostProcess host = await HostProcess.StartAsync(new HostStart
        {
            Environment = new Dictionary<string, string> { ["KV_BIND_ADDRESS"] = "*" },
        });

        StatusReply status = await host.StatusAsync();

        Assert.Equal("ready", status.State);
    }

    private static string OptionOf(string name) =>
        "--" + name.Replace("KV_", "", StringComparison.Ordinal).Replace('_', '-').ToLowerInvariant();
}
