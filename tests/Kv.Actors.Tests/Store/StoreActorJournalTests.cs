using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Journal;
using Kv.Actors.Log;
using Kv.Actors.Store;
using Kv.Core;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Store;

/// <summary>What the store hands to the journal, and how far that may lag.</summary>
public sealed class StoreActorJournalTests : TestKit
{
    [Fact]
    public async Task The_journal_gets_what_was_applied_in_order_with_its_chain()
    {
        (IActorRef store, TestProbe journal, StoreActor.ResumePoint point) = await StartAsync();

        Deliver(store, point, (0, Entries.Genesis()), (4, "a stray"u8.ToArray()));

        JournalActor.Append append = await journal.ExpectMsgAsync<JournalActor.Append>();
        var status = await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.Equal([0, 4], append.Records.Select(static record => record.Offset));
        Assert.Equal(status.Chain, append.Records[1].Chain);
        Assert.Equal(Entries.ClusterId, append.Genesis!.ClusterId);
    }

    [Fact]
    public async Task When_the_journal_lags_too_far_the_log_is_read_no_further_until_it_has_caught_up()
    {
        (IActorRef store, TestProbe journal, StoreActor.ResumePoint point) = await StartAsync();
        byte[] large = new byte[KvLimits.JournalPendingBytesMax];

        Deliver(store, point, (0, Entries.Genesis()), (1, large));

        JournalActor.Append append = await journal.ExpectMsgAsync<JournalActor.Append>();
        await store.Ask<StoreActor.StoreStatus>(new StoreActor.GetStatus());
        Assert.False(HasMessages);
        store.Tell(new JournalActor.Taken(append.Bytes), journal);
        await ExpectMsgAsync<StoreActor.FeedAck>();
    }

    private async Task<(IActorRef Store, TestProbe Journal, StoreActor.ResumePoint Point)> StartAsync()
    {
        TestProbe journal = CreateTestProbe();
        IActorRef store = Sys.ActorOf(StoreActor.Props("n1", 0, static _ => { }, journal: journal));
        StoreActor.ResumePoint point =
            await store.Ask<StoreActor.ResumePoint>(new StoreActor.GetResumePoint());
        await journal.ExpectMsgAsync<JournalActor.Connected>();
        return (store, journal, point);
    }

    private void Deliver(
        IActorRef store, StoreActor.ResumePoint point, params (long Offset, byte[] Entry)[] records) =>
        store.Tell(
            new StoreActor.FeedRun(
                point, [.. records.Select(static record => new LogRecord(record.Offset, record.Entry))]),
            TestActor);
}
