using Akka.TestKit.Xunit2;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>A whole node says what it has on disk, and stops writing where nothing is.</summary>
public sealed class RetentionTests : TestKit, IDisposable
{
    private const long UncoveredBytesMax = 20_000;

    private static readonly RetentionLimits Limits = new(
        RetentionLimits.InFlightBytesMax + UncoveredBytesMax, SegmentBytesMax: 0);

    private readonly NodeOnSqlite _node;

    public RetentionTests() => _node = new NodeOnSqlite(Sys);

    [Fact]
    public async Task A_snapshot_that_was_written_covers_the_log_up_to_it()
    {
        await _node.StartAsync(logBytes: 3_000);
        for (int i = 0; i < 10; i++)
        {
            await _node.SetAsync($"k{i}", "v");
        }

        LogStatus log = await LogAsync(static log => log.CoveredOffset > 0);

        Assert.Contains(log.CoveredOffset, _node.Files.List().Select(static file => file.Offset));
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_full_log_refuses_writes_and_opens_when_a_snapshot_covers_it()
    {
        await _node.StartAsync(retention: Limits);
        KvException full = await FillAsync();
        NodeStatus status = await _node.Node.GetStatusAsync(CancellationToken.None);
        string? read = await _node.GetAsync("k0");
        await _node.StopAsync();

        // A stop writes a snapshot, of which the next start tells.
        await _node.StartAsync(retention: Limits);
        await _node.InStateAsync(NodeState.Ready);
        await LogAsync(static log => log.UncoveredBytes < UncoveredBytesMax);
        await _node.SetAsync("again", "v");

        Assert.Equal(KvError.LogFull, full.Code);
        Assert.Contains(status.Alarms, static alarm => alarm.StartsWith("writes are refused"));
        Assert.Equal("v", read);
        await _node.StopAsync();
    }

    void IDisposable.Dispose()
    {
        Dispose();
        _node.Dispose();
    }

    private async Task<KvException> FillAsync()
    {
        await _node.InStateAsync(NodeState.Ready);
        for (int i = 0; i < UncoveredBytesMax; i++)
        {
            try
            {
                await _node.Node.ExecuteAsync(Entries.Set($"k{i}", "v"), null, CancellationToken.None);
            }
            catch (KvException refused)
            {
                return refused;
            }
        }
        throw new Xunit.Sdk.XunitException("The log was never full.");
    }

    private async Task<LogStatus> LogAsync(Func<LogStatus, bool> isMet)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            NodeStatus status = await _node.Node.GetStatusAsync(patience.Token);
            if (isMet(status.Log!))
            {
                return status.Log!;
            }
            Assert.False(patience.IsCancellationRequested, $"It stays so: {status.Log}");
            await Task.Yield();
        }
    }
}
