using System.Diagnostics;
using Akka.TestKit.Xunit2;
using Kv.Actors.Nodes;
using Kv.Actors.Store;
using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Leasing;

/// <summary>Leases of a real node, in real time.</summary>
public sealed class LeaseNodeTests : TestKit
{
    private readonly NodeOnSqlite _run;

    public LeaseNodeTests() : base("akka.loglevel = WARNING") => _run = new NodeOnSqlite(Sys);

    [Fact]
    public async Task A_lease_ends_with_its_keys_and_not_before_its_time()
    {
        await _run.StartAsync();
        await _run.InStateAsync(NodeState.Ready);
        await ExecuteAsync(new Command.LeaseGrant(7, 2));
        var sinceGranted = Stopwatch.StartNew();
        await ExecuteAsync(new Command.Put(Entries.Utf8("a"), Entries.Utf8("1"), LeaseId: 7));

        await EndOfAsync(7);

        Assert.True(sinceGranted.ElapsedMilliseconds >= 2_000, $"{sinceGranted.ElapsedMilliseconds} ms");
        Assert.Null(await _run.GetAsync("a"));
        await _run.StopAsync();
    }

    [Fact]
    public async Task A_lease_is_described_with_its_keys_and_what_is_left_of_it()
    {
        await _run.StartAsync();
        await _run.InStateAsync(NodeState.Ready);
        await ExecuteAsync(new Command.LeaseGrant(9, 100));
        await ExecuteAsync(new Command.LeaseGrant(7, 200));
        await ExecuteAsync(new Command.Put(Entries.Utf8("a"), Entries.Utf8("1"), LeaseId: 9));

        StoreActor.LeaseSeen seen = await _run.Node.DescribeLeaseAsync(9, withKeys: true, default);
        StoreActor.LeaseSeen without = await _run.Node.DescribeLeaseAsync(9, withKeys: false, default);

        Assert.Equal((9, 100), (seen.Lease!.LeaseId, seen.Lease.TtlSeconds));
        Assert.InRange(seen.Lease.RemainingMs, 40_000, 100_000);
        Assert.Equal("a"u8.ToArray(), Assert.Single(seen.Lease.Keys));
        Assert.Empty(without.Lease!.Keys);
        Assert.Null((await _run.Node.DescribeLeaseAsync(8, withKeys: true, default)).Lease);
        Assert.Equal([7, 9], (await _run.Node.ListLeasesAsync(default)).Ids);
        await _run.StopAsync();
    }

    [Fact]
    public async Task A_keep_alive_tells_how_long_the_client_may_count_on_it()
    {
        await _run.StartAsync();
        await _run.InStateAsync(NodeState.Ready);
        await ExecuteAsync(new Command.LeaseGrant(7, 100));

        Reply kept = await _run.Node.KeepAliveAsync(7, CancellationToken.None);
        Reply unknown = await _run.Node.KeepAliveAsync(8, CancellationToken.None);

        Assert.InRange(Assert.IsType<Reply.Leased>(kept).TtlSeconds, 60, 100);
        Assert.Equal(StoreError.LeaseNotFound, Assert.IsType<Reply.Refused>(unknown).Error);
        await _run.StopAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_restart_a_lease_has_its_time_again_and_then_ends(bool fromSnapshot)
    {
        await _run.StartAsync();
        await _run.InStateAsync(NodeState.Ready);
        await ExecuteAsync(new Command.LeaseGrant(7, 2));
        await ExecuteAsync(new Command.Put(Entries.Utf8("a"), Entries.Utf8("1"), LeaseId: 7));
        if (fromSnapshot)
        {
            await _run.StopAsync();
        }
        else
        {
            await _run.KillAsync(keep: []);
        }

        await _run.StartAsync();
        await _run.InStateAsync(NodeState.Ready);
        string? kept = await _run.GetAsync("a");
        await EndOfAsync(7);

        Assert.Equal("1", kept);
        Assert.Null(await _run.GetAsync("a"));
        await _run.StopAsync();
    }

    [Fact]
    public async Task A_node_that_stops_answers_the_keep_alives_that_wait()
    {
        await _run.StartAsync();
        await _run.InStateAsync(NodeState.Ready);
        await ExecuteAsync(new Command.LeaseGrant(7, 100));

        Task<Reply>[] waiting = [.. Enumerable.Range(0, 200).Select(
            _ => _run.Node.KeepAliveAsync(7, CancellationToken.None))];
        await _run.StopAsync();

        Task answered = Task.WhenAll(waiting);
        await Task.WhenAny(answered, Task.Delay(TimeSpan.FromSeconds(20)));
        Assert.True(answered.IsCompleted);
        Assert.All(waiting, static one => Assert.True(
            one.IsCompletedSuccessfully || one.Exception!.InnerException is KvException));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _run.Dispose();
    }

    private Task<Reply> ExecuteAsync(Command command) =>
        _run.Node.ExecuteAsync(command, requestId: null, CancellationToken.None);

    private async Task EndOfAsync(long lease)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await _run.Node.ListLeasesAsync(patience.Token)).Ids.Contains(lease))
        {
            await poll.WaitForNextTickAsync(patience.Token);
        }
    }
}
