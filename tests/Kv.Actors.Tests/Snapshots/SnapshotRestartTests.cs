using Akka.TestKit.Xunit2;
using Kv.Actors.Nodes;
using Kv.Actors.Snapshots;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Kv.Files;
using Microsoft.Data.Sqlite;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>Nodes that stop and start again, on real files.</summary>
public sealed class SnapshotRestartTests : TestKit, IDisposable
{
    private readonly NodeOnSqlite _node;
    private readonly NodeOnSqlite _peer;

    public SnapshotRestartTests()
    {
        _node = new NodeOnSqlite(Sys);
        _peer = new NodeOnSqlite(Sys);
    }

    [Fact]
    public async Task A_node_starts_from_its_snapshot_and_goes_on_with_the_log()
    {
        await RunAsync(("a", "1"));
        IReadOnlyList<SnapshotFile> first = _node.Files.List();
        await RunAsync(("b", "2"));
        _node.Files.List().Except(first).ToList().ForEach(static file => File.Delete(file.Path));

        await _node.StartAsync();

        Assert.Equal("1", await _node.GetAsync("a"));
        Assert.Equal("2", await _node.GetAsync("b"));
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_restart_comes_to_the_same_digest_as_a_replay_of_the_whole_log()
    {
        await RunAsync(("a", "1"), ("b", "2"), ("a", "3"));
        await _node.StartAsync();
        await _node.SetAsync("c", "4");
        await _node.StopAsync();
        CopyTo(_peer);
        Directory.Delete(_peer.Files.Directory, recursive: true);
        string restored = await DigestAtAsync(_node);

        string replayed = await DigestAtAsync(_peer);

        Assert.Equal(restored, replayed);
    }

    [Fact]
    public async Task A_truncated_log_does_not_matter_to_a_node_with_a_snapshot()
    {
        await RunAsync(("a", "1"), ("b", "2"));
        long snapshotAt = _node.Files.List()[0].Offset;
        await _node.StartAsync();
        await _node.SetAsync("c", "3");
        await _node.Log.TruncateBeforeAsync(snapshotAt);
        await _node.KillAsync(keep: _node.Files.List());

        await _node.StartAsync();

        Assert.Equal("1", await _node.GetAsync("a"));
        Assert.Equal("3", await _node.GetAsync("c"));
        await _node.StopAsync();
    }

    [Fact]
    public async Task While_it_runs_snapshots_are_written_by_log_bytes_and_the_log_stays_small()
    {
        await _node.StartAsync(logBytes: 2_000, truncates: true);
        for (int i = 0; i < 100; i++)
        {
            await _node.SetAsync($"k{i}", new string('v', 100));
        }
        await _node.StopAsync();

        Assert.Equal(2, _node.Files.List().Count);
        Assert.True(FirstOffset() > 50, $"The log still begins at {FirstOffset()}.");
        await _node.StartAsync();
        Assert.Equal(new string('v', 100), await _node.GetAsync("k0"));
        await _node.StopAsync();
    }

    [Fact]
    public async Task With_the_newest_damaged_it_starts_from_the_older()
    {
        await RunAsync(("a", "1"));
        await RunAsync(("b", "2"));
        Damage(_node.Files.List()[0]);

        await _node.StartAsync();

        Assert.Equal("2", await _node.GetAsync("b"));
        await _node.StopAsync();
    }

    [Fact]
    public async Task Another_entry_at_the_snapshots_offset_halts_the_node_and_pins_what_it_has()
    {
        await RunAsync(("a", "1"));
        long offset = _node.Files.List()[0].Offset;
        Sql($"""UPDATE log SET entry = x'00' WHERE "offset" = {offset}""");

        await _node.StartAsync();

        NodeStatus status = await _node.InStateAsync(NodeState.Halted);
        Assert.Contains("no longer has the entry", status.Reason);
        await AwaitConditionAsync(
            () => Task.FromResult(_node.Files.List().Any(static file => file.IsPinned)));
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_log_that_was_made_anew_halts_the_node()
    {
        await RunAsync(("a", "1"), ("b", "2"));
        foreach (string file in Directory.GetFiles(_node.Directory, "log.sqlite*"))
        {
            File.Delete(file);
        }

        await _node.StartAsync(mayFound: false);

        NodeStatus status = await _node.InStateAsync(NodeState.Halted);
        Assert.Contains("recreated", status.Reason);
        await _node.StopAsync();
    }

    [Fact]
    public async Task Without_snapshot_and_peers_a_log_without_its_start_halts_the_node()
    {
        await RunAsync(("a", "1"), ("b", "2"));
        Directory.Delete(_node.Files.Directory, recursive: true);
        Sql("""DELETE FROM log WHERE "offset" < 2""");

        await _node.StartAsync();

        Assert.Contains("truncated", (await _node.InStateAsync(NodeState.Halted)).Reason);
        await _node.StopAsync();
    }

    [Fact]
    public async Task Without_snapshot_a_node_joins_a_log_without_its_start_from_a_peer()
    {
        await RunAsync(("a", "1"), ("b", "2"));
        CopyTo(_peer);
        Directory.Delete(_node.Files.Directory, recursive: true);
        Sql("""DELETE FROM log WHERE "offset" < 2""");

        await _node.StartAsync(PeerGiving(_peer.Files.List()[0]));

        Assert.Equal("1", await _node.GetAsync("a"));
        Assert.Single(_node.Files.List());
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_snapshot_the_log_does_not_reach_back_to_is_replaced_by_a_peers()
    {
        await RunAsync(("a", "1"));
        IReadOnlyList<SnapshotFile> old = _node.Files.List();
        await RunAsync(("b", "2"), ("c", "3"));
        CopyTo(_peer);
        _node.Files.List().Except(old).ToList().ForEach(static file => File.Delete(file.Path));
        Sql($"""DELETE FROM log WHERE "offset" <= {old[0].Offset}""");

        await _node.StartAsync(PeerGiving(_peer.Files.List()[0]));

        Assert.Equal("3", await _node.GetAsync("c"));
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_snapshot_of_a_halted_node_is_not_replaced_by_a_peers()
    {
        await RunAsync(("a", "1"));
        SnapshotFile own = _node.Files.List()[0];
        await RunAsync(("b", "2"));
        SnapshotFile newer = _node.Files.List()[0];
        PeerSnapshots peers = PeerGiving(newer);
        File.Move(own.Path, SnapshotFile.In(_node.Files.Directory, own.Offset, isPinned: true).Path);
        File.Delete(newer.Path);
        Sql($"""DELETE FROM log WHERE "offset" <= {own.Offset}""");

        await _node.StartAsync(peers);

        await _node.InStateAsync(NodeState.Halted);
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_peers_snapshot_with_another_history_than_our_own_halts_the_node()
    {
        await RunAsync(("a", "1"));
        KeyValueStore peer = Stores.Decode(await File.ReadAllBytesAsync(_node.Files.List()[0].Path));
        await RunAsync(("b", "2"));
        SnapshotFile own = _node.Files.List()[0];
        await RunAsync(("c", "3"));
        File.Delete(_node.Files.List()[0].Path);
        Sql($"""DELETE FROM log WHERE "offset" <= {own.Offset}""");
        for (long offset = peer.AppliedOffset + 1; offset <= own.Offset + 2; offset++)
        {
            peer.Apply(offset, "another history"u8.ToArray());
        }

        await _node.StartAsync(PeerGiving(Stores.Encode(peer)));

        Assert.Contains("another history", (await _node.InStateAsync(NodeState.Halted)).Reason);
        await _node.StopAsync();
    }

    [Fact]
    public async Task A_peers_snapshot_that_is_of_no_use_is_passed_over_and_told()
    {
        await RunAsync(("a", "1"));
        SnapshotFile old = _node.Files.List()[0];
        byte[] tooOld = await File.ReadAllBytesAsync(old.Path);
        await RunAsync(("b", "2"));
        Directory.Delete(_node.Files.Directory, recursive: true);
        Sql($"""DELETE FROM log WHERE "offset" <= {old.Offset}""");

        await _node.StartAsync(PeerGiving(tooOld));

        await AwaitConditionAsync(async () => (await _node.Node.GetStatusAsync(CancellationToken.None))
            .Alarms.Any(static alarm => alarm.Contains("the log begins at", StringComparison.Ordinal)));
        NodeStatus status = await _node.InStateAsync(NodeState.Starting);
        Assert.Contains("looks for a peer's snapshot", status.Reason);
        await _node.StopAsync();
    }

    void IDisposable.Dispose()
    {
        Dispose();
        _node.Dispose();
        _peer.Dispose();
    }

    // One life of the node: it founds or restarts, writes, and stops in good order.
    private async Task RunAsync(params (string Key, string Value)[] writes)
    {
        await _node.StartAsync();
        foreach ((string key, string value) in writes)
        {
            await _node.SetAsync(key, value);
        }
        await _node.StopAsync();
    }

    private static async Task<string> DigestAtAsync(NodeOnSqlite node)
    {
        await node.StartAsync(mayFound: false);
        await node.InStateAsync(NodeState.Ready);
        (StoreCapture capture, _) = await node.Node.CaptureAsync(CancellationToken.None);
        await node.StopAsync();
        // The tail is this run's own: what is compared is the state that the runs before left.
        return string.Join(
            ',',
            capture.Keys.Live.Scan().Select(static pair => pair.Value).Select(static record =>
                $"{Convert.ToHexString(record.Key)}={Convert.ToHexString(record.Value)} "
                + $"{record.CreateRevision} {record.ModRevision} {record.Version}"));
    }

    private void CopyTo(NodeOnSqlite other)
    {
        Directory.CreateDirectory(other.Files.Directory);
        foreach (string file in Directory.GetFiles(_node.Directory, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(other.Directory, Path.GetRelativePath(_node.Directory, file)));
        }
    }

    private static PeerSnapshots PeerGiving(SnapshotFile file) => PeerGiving(File.ReadAllBytes(file.Path));

    private static PeerSnapshots PeerGiving(byte[] snapshot)
    {
        return new PeerSnapshots(new OnePeer(), Export);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Export(
            Uri peer, ulong clusterId, long offsetMin,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stopping)
        {
            foreach (byte[] piece in snapshot.Chunk(100))
            {
                stopping.ThrowIfCancellationRequested();
                await Task.CompletedTask;
                yield return piece;
            }
        }
    }

    private sealed class OnePeer : IPeerDirectory
    {
        public IReadOnlyList<Uri> Peers => [new Uri("http://peer:1")];
    }

    private static void Damage(SnapshotFile file)
    {
        byte[] bytes = File.ReadAllBytes(file.Path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file.Path, bytes);
    }

    private long FirstOffset() => Sql("""SELECT min("offset") FROM log""");

    private long Sql(string text)
    {
        using var connection = new SqliteConnection(
            $"Data Source={Path.Combine(_node.Directory, "log.sqlite")};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar() as long? ?? 0;
    }
}
