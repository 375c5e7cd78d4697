using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Nodes;
using Kv.Actors.Snapshots;
using Kv.Actors.Store;
using Kv.Core.Store;
using Kv.Files;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>
/// The snapshot actor beside a store that does what the test says; timers run on virtual time.
/// </summary>
public sealed class SnapshotActorTests : TestKit, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kv-snapshot-actor-").FullName;
    private readonly KeyValueStore _state = Stores.Small();
    private readonly TestProbe _store;
    private readonly List<long> _released = [];
    private readonly SemaphoreSlim _mayWrite = new(0);
    private Func<string, Stream> _disk = File.Create;
    private long _sequence = 4;

    public SnapshotActorTests()
        : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        _store = CreateTestProbe();
    }

    [Fact]
    public async Task The_store_starts_from_the_newest_snapshot_on_disk()
    {
        await new SnapshotFiles(_directory).SaveAsync(_state.Capture(), false, CancellationToken.None);

        Start();

        var start = await _store.ExpectMsgAsync<StoreActor.Start>();
        Assert.Equal(_state.Chain, start.Store!.Chain);
        Assert.Equal(1_000, (await _store.ExpectMsgAsync<StoreActor.CaptureAfter>()).LogBytes);
    }

    [Fact]
    public async Task Without_one_the_store_starts_empty()
    {
        Start();

        Assert.Null((await _store.ExpectMsgAsync<StoreActor.Start>()).Store);
    }

    [Fact]
    public async Task A_capture_is_written_and_the_next_one_asked_for()
    {
        IActorRef snapshots = await StartedAsync();

        Capture(snapshots, offset: 20);

        await _store.ExpectMsgAsync<StoreActor.CaptureAfter>();
        Assert.Equal([20], Offsets());
        Assert.Empty(_released);
    }

    [Fact]
    public async Task With_two_on_disk_the_log_is_released_below_the_older()
    {
        IActorRef snapshots = await StartedAsync();

        foreach (long offset in (long[])[20, 21, 22])
        {
            Capture(snapshots, offset);
            await _store.ExpectMsgAsync<StoreActor.CaptureAfter>();
        }

        Assert.Equal([20, 21], _released);
    }

    [Fact]
    public async Task One_is_written_at_a_time_and_of_those_that_wait_the_newest()
    {
        _disk = GatedFile;
        IActorRef snapshots = await StartedAsync();

        foreach (long offset in (long[])[20, 21, 22])
        {
            Capture(snapshots, offset);
        }
        await StatusAsync(snapshots);
        Assert.Empty(Offsets());
        _mayWrite.Release(2);

        await _store.ExpectMsgAsync<StoreActor.CaptureAfter>();
        Assert.Equal([22, 20], Offsets());
    }

    [Fact]
    public async Task A_full_disk_is_an_alarm_and_tried_again_with_backoff_until_it_works()
    {
        int attempts = 0;
        _disk = path => new FullDisk(File.Create(path), bytesMax: 200, $"disk full {++attempts}");
        IActorRef snapshots = await StartedAsync();

        Capture(snapshots, offset: 20);
        await AwaitConditionAsync(async () => (await StatusAsync(snapshots)).Contains("disk full 1"));
        Scheduler.Advance(TimeSpan.FromMilliseconds(1_000));
        await _store.ExpectMsgAsync<StoreActor.CaptureNow>();
        Capture(snapshots, offset: 21);
        await AwaitConditionAsync(async () => (await StatusAsync(snapshots)).Contains("disk full 2"));
        _disk = File.Create;
        Scheduler.Advance(TimeSpan.FromMilliseconds(2_000));
        await _store.ExpectMsgAsync<StoreActor.CaptureNow>();
        Capture(snapshots, offset: 22);

        await _store.ExpectMsgAsync<StoreActor.CaptureAfter>();
        Assert.Equal("", await StatusAsync(snapshots));
        Assert.Equal([22], Offsets());
    }

    [Fact]
    public async Task What_a_halted_node_has_is_pinned()
    {
        IActorRef snapshots = await StartedAsync();

        snapshots.Tell(new SnapshotActor.Pin(), _store);
        await _store.ExpectMsgAsync<StoreActor.CaptureNow>();
        Capture(snapshots, offset: 20);

        await AwaitConditionAsync(() => Task.FromResult(Files.List().Count == 1));
        Assert.True(Files.List()[0].IsPinned);
    }

    [Fact]
    public async Task A_stop_waits_until_what_is_new_is_written()
    {
        IActorRef snapshots = await StartedAsync();
        TestProbe stopper = CreateTestProbe();

        snapshots.Tell(new SnapshotActor.SaveNow(), stopper);
        await _store.ExpectMsgAsync<StoreActor.CaptureNow>();
        Capture(snapshots, offset: 20);

        await stopper.ExpectMsgAsync<SnapshotActor.SaveDone>();
        Assert.Equal([20], Offsets());
    }

    [Fact]
    public async Task A_stop_writes_nothing_when_nothing_is_new()
    {
        SnapshotFile file = await new SnapshotFiles(_directory)
            .SaveAsync(_state.Capture(), false, CancellationToken.None);
        DateTime written = File.GetLastWriteTimeUtc(file.Path);
        IActorRef snapshots = await StartedAsync();
        TestProbe stopper = CreateTestProbe();

        snapshots.Tell(new SnapshotActor.SaveNow(), stopper);
        await _store.ExpectMsgAsync<StoreActor.CaptureNow>();
        snapshots.Tell(new StoreActor.Captured(_state.Capture(), NodeState.Ready), _store);

        await stopper.ExpectMsgAsync<SnapshotActor.SaveDone>();
        Assert.Equal(written, File.GetLastWriteTimeUtc(file.Path));
    }

    [Fact]
    public async Task A_node_that_only_loads_captures_nothing()
    {
        IActorRef snapshots = Start(saves: false);
        await _store.ExpectMsgAsync<StoreActor.Start>();
        TestProbe stopper = CreateTestProbe();

        snapshots.Tell(new SnapshotActor.Pin(), _store);
        snapshots.Tell(new SnapshotActor.SaveNow(), stopper);

        await stopper.ExpectMsgAsync<SnapshotActor.SaveDone>();
        Assert.False(_store.HasMessages);
    }

    void IDisposable.Dispose()
    {
        _mayWrite.Release(100);
        Dispose();
        _mayWrite.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    private SnapshotFiles Files => new(_directory);

    private IEnumerable<long> Offsets() => Files.List().Select(static file => file.Offset);

    private IActorRef Start(bool saves = true) => Sys.ActorOf(SnapshotActor.Props(
        "n1",
        _store,
        new SnapshotOptions
        {
            Files = new SnapshotFiles(_directory, path => _disk(path)),
            Saves = saves,
            LogBytes = 1_000,
            OnKept = older =>
            {
                _released.Add(older);
                return Task.CompletedTask;
            },
        }));

    private async Task<IActorRef> StartedAsync()
    {
        IActorRef snapshots = Start();
        await _store.ExpectMsgAsync<StoreActor.Start>();
        await _store.ExpectMsgAsync<StoreActor.CaptureAfter>();
        return snapshots;
    }

    private void Capture(IActorRef snapshots, long offset)
    {
        _state.Apply(offset, Entries.Encode(11, _sequence++, Entries.Set($"k{offset}", "v")));
        snapshots.Tell(new StoreActor.Captured(_state.Capture(), NodeState.Ready), _store);
    }

    private static async Task<string> StatusAsync(IActorRef snapshots) =>
        (await snapshots.Ask<SnapshotActor.SnapshotStatus>(new SnapshotActor.GetStatus())).Trouble;

    private FileStream GatedFile(string path)
    {
        _mayWrite.Wait(TimeSpan.FromSeconds(20));
        return File.Create(path);
    }
}
