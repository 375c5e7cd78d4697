using Akka;
using Akka.Actor;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Log;
using Kv.Actors.Store;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Log;

/// <summary>How the feed finds out where the log's tail is after it has connected.</summary>
public sealed class TailProbeTests : TestKit
{
    [Fact]
    public async Task What_a_lagging_copy_takes_for_its_tail_is_not_taken_for_the_tail()
    {
        await using var log = new LaggingLog(Sys);
        TestProbe store = CreateTestProbe();
        Sys.ActorOf(LogFeedActor.Props("n1", log, store, new FeedOptions(), TimeProvider.System));
        await store.FishForMessageAsync(static message => message is StoreActor.GetResumePoint);

        store.Reply(new StoreActor.ResumePoint(Offset: 100, ClusterId: 7, Digest.Zero));

        var seen = (StoreActor.TailSeen)await store.FishForMessageAsync(
            static message => message is StoreActor.TailSeen, TimeSpan.FromSeconds(20));
        Assert.Equal(new StoreActor.TailSeen(Offset: 102, AppliedOffset: 100), seen);
    }

    /// <summary>
    /// Its tail reader sees offset 90 first, as one at a broker that has not got the rest yet; what is
    /// appended stands at 102.
    /// </summary>
    private sealed class LaggingLog : IReplicationLog
    {
        private readonly ISourceQueueWithComplete<IReadOnlyList<LogRecord>> _queue;
        private readonly Source<IReadOnlyList<LogRecord>, NotUsed> _tail;

        public LaggingLog(ActorSystem system)
        {
            (_queue, _tail) = Source
                .Queue<IReadOnlyList<LogRecord>>(16, OverflowStrategy.Fail)
                .PreMaterialize(system.Materializer());
        }

        public async Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping)
        {
            await _queue.OfferAsync([new LogRecord(90, "older"u8.ToArray())], stopping);
            await _queue.OfferAsync(
                [new LogRecord(101, "older"u8.ToArray()), new LogRecord(102, entry)], stopping);
        }

        public Source<IReadOnlyList<LogRecord>, NotUsed> Read(long fromOffset) =>
            Source.Never<IReadOnlyList<LogRecord>>();

        public Source<IReadOnlyList<LogRecord>, Task> ReadTail() =>
            _tail.MapMaterializedValue(static _ => Task.CompletedTask);

        public ValueTask DisposeAsync()
        {
            _queue.Complete();
            return ValueTask.CompletedTask;
        }
    }
}
