using System.Diagnostics;
using System.Text.Json;

namespace Kv.Host.Tests.Cli;

/// <summary>The real process against a real etcd.</summary>
public sealed class EtcdCommandTests(EtcdServer etcd) : IClassFixture<EtcdServer>
{
    [Fact]
    public async Task What_was_put_is_ranged_as_it_was()
    {
        await etcd.RunAsync("put", "r1", "two words");
        KvRun put = await etcd.RunAsync("put", "r1", "{oops", "--prev-kv");
        KvRun range = await etcd.RunAsync("range", "r1", "--prefix");

        Assert.Equal(new KvRun(0, "OK was two words\n", ""), put);
        Assert.Equal(new KvRun(0, "r1 = {oops\n", ""), range);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_go_in_and_come_out_as_base64()
    {
        await etcd.RunAsync("put", "/wA=", "/gE=", "--base64");

        KvRun text = await etcd.RunAsync("range", "/wA=", "--base64");
        KvRun json = await etcd.RunAsync("--output", "json", "range", "/wA=", "--base64");

        Assert.Equal("/wA= (base64) = /gE= (base64)\n", text.Output);
        JsonElement entry = JsonDocument.Parse(json.Output).RootElement.GetProperty("entries")[0];
        Assert.Equal(("/wA=", "/gE="), (Text(entry, "key"), Text(entry, "value")));
        Assert.True(entry.GetProperty("key_is_base64").GetBoolean());
        Assert.True(entry.GetProperty("value_is_base64").GetBoolean());
    }

    [Fact]
    public async Task A_transaction_from_a_pipe_takes_the_branch_its_compares_choose()
    {
        const string Txn = "ver(\"t\") = \"0\"\n\nput t first\n\nget t\ndel t --prev-kv\n";

        KvRun first = await etcd.PipeAsync(Txn, "txn");
        KvRun second = await etcd.PipeAsync($"# as a line of a script\ntxn\n{Txn}\nrange t --count-only\n");

        Assert.Equal(new KvRun(0, "SUCCESS\nOK\n", ""), first);
        Assert.Equal(new KvRun(0, "FAILURE\nt = first\ndeleted 1\nt was first\n0\n", ""), second);
    }

    [Fact]
    public async Task A_transaction_with_a_wrong_line_sends_nothing_and_runs_none_of_its_lines()
    {
        KvRun run = await etcd.PipeAsync("txn\nbogus\n\nput wrong 1\n\n\nput right 1\n", "--keep-going");

        Assert.Equal((2, "OK\n"), (run.ExitCode, run.Output));
        Assert.Equal("right = 1\n", (await etcd.RunAsync("range", "right")).Output);
        Assert.Equal("", (await etcd.RunAsync("range", "wrong")).Output);
    }

    [Fact]
    public async Task A_lease_is_granted_told_kept_and_revoked()
    {
        KvRun grant = await etcd.RunAsync("lease", "grant", "100", "--id", "1f");
        await etcd.RunAsync("put", "leased", "1", "--lease", "1f");
        KvRun kept = await etcd.RunAsync("lease", "keep-alive", "1f", "--once");
        KvRun left = await etcd.RunAsync("lease", "ttl", "1f", "--keys");
        KvRun revoked = await etcd.RunAsync("lease", "revoke", "1f");
        KvRun gone = await etcd.RunAsync("lease", "ttl", "1f");

        Assert.Equal(("1f\n", "OK\n"), (grant.Output, revoked.Output));
        Assert.Equal("lease 1f kept alive for 100 s\n", kept.Output);
        Assert.Matches("^lease 1f ends in \\d+ s of 100 s\nleased\n$", left.Output);
        Assert.Equal(new KvRun(1, "", "kv: no lease 1f: it has ended, or never was.\n"), gone);
        Assert.Equal("", (await etcd.RunAsync("range", "leased")).Output);
    }

    [Fact]
    public async Task A_compacted_revision_is_refused_to_ranges_and_watches()
    {
        await etcd.RunAsync("put", "c", "1");
        await etcd.RunAsync("put", "c", "2");
        KvRun compact = await etcd.RunAsync("compact", "3");

        KvRun range = await etcd.RunAsync("range", "c", "--rev", "2");
        KvRun watch = await etcd.RunAsync("watch", "c", "--rev", "2");

        Assert.Equal(new KvRun(0, "compacted revision 3\n", ""), compact);
        Assert.Equal((5, 5), (range.ExitCode, watch.ExitCode));
        Assert.Contains("compacted", range.Errors, StringComparison.Ordinal);
        Assert.Contains("before 3 have been compacted", watch.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_shows_changes_goes_on_after_a_restart_and_ends_with_Ctrl_C()
    {
        JsonElement first = JsonDocument.Parse(
            (await etcd.RunAsync("--output", "json", "put", "w", "1")).Output).RootElement;
        long revision = first.GetProperty("revision").GetInt64();
        using Process watch = etcd.Start("watch", "w", "--rev", $"{revision}", "--prev-kv");
        Assert.Equal($"{revision} PUT w = 1", await ReadLineAsync(watch));

        await etcd.RestartAsync();
        await etcd.RunAsync("put", "w", "2");
        Assert.Equal($"{revision + 1} PUT w = 2  was 1", await ReadLineAsync(watch));

        ProcessSignals.SendInterrupt(watch);
        KvRun run = await KvProcess.FinishAsync(watch);
        Assert.Equal((130, ""), (run.ExitCode, run.Output));
        Assert.Contains($"goes on at {etcd.Address}", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lock_is_held_by_one_and_released_at_the_end()
    {
        using Process holder = etcd.Start("lock", "job");
        string? held = await ReadLineAsync(holder);
        using Process waiter = etcd.Start(
            "lock", "job", "sh", "-c", "echo $KV_LOCK_KEY $KV_LOCK_REVISION; exit 7");
        await Eventually.HoldsAsync("both stand in line", async () =>
            (await etcd.RunAsync("range", "job/", "--prefix", "--count-only")).Output == "2\n");
        Assert.False(waiter.HasExited);

        ProcessSignals.SendInterrupt(holder);
        KvRun first = await KvProcess.FinishAsync(holder);
        KvRun second = await KvProcess.FinishAsync(waiter);

        Assert.Equal(0, first.ExitCode);
        Assert.Matches("^job/[0-9a-f]+ revision \\d+$", held);
        Assert.Equal(7, second.ExitCode);
        Assert.True(Revision(held!) < Revision(second.Output));
        Assert.Equal("0\n", (await etcd.RunAsync("range", "job/", "--prefix", "--count-only")).Output);
    }

    [Fact]
    public async Task A_lock_around_a_program_that_is_not_there_is_released()
    {
        KvRun run = await etcd.RunAsync("lock", "nobody", "no-such-program");

        Assert.Equal(127, run.ExitCode);
        Assert.Equal("0\n", (await etcd.RunAsync("range", "nobody/", "--prefix", "--count-only")).Output);
    }

    private static long Revision(string line) => long.Parse(line.Trim().Split(' ')[^1]);

    private static string? Text(JsonElement entry, string name) => entry.GetProperty(name).GetString();

    private static async Task<string?> ReadLineAsync(Process process)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await process.StandardOutput.ReadLineAsync(patience.Token);
    }
}
