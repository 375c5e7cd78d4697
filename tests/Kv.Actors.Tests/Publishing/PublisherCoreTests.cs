using Akka.Event;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Publishing;

/// <summary>The publisher's decisions where simulations found them wrong; no actors, no time.</summary>
public sealed class PublisherCoreTests
{
    private const long ProducerId = 1;

    private static readonly RetentionLimits Retention = new(1_000_000_000, SegmentBytesMax: 1_000);

    private readonly FakePublisherPort _port = new();
    private readonly PublisherCore _core;

    public PublisherCoreTests()
    {
        _core = new PublisherCore(
            "n1",
            new PublisherOptions { EntriesInFlightMax = 2, Retention = Retention },
            new EntryStamp(TimeProvider.System),
            () => 77,
            _port,
            NoLogger.Instance);
        _core.Start();
        _core.Found(Entries.ClusterId);
        TakeRegistered(ProducerId);
    }

    [Fact]
    public void An_outage_ends_even_if_all_that_failed_was_read_back_before_it_was_appended_again()
    {
        PendingCommand seen = Submit();
        byte[] entry = _port.NextAppend();
        _core.EndAppend(ProducerId, 1, new LogOutcomeUnknownException("nacked"));
        ReadBack(entry, EntryFate.Applied);
        Assert.True(seen.Reply.IsCompletedSuccessfully);

        FireAppendAgain();
        byte[] probe = _port.NextAppend();
        _core.EndAppend(ProducerId, 2, null);
        Submit();

        Assert.IsType<Command.Barrier>(Assert.Single(Read(probe).Commands).Command);
        Assert.Equal(1, _port.AppendsWaiting);
    }

    [Fact]
    public void A_new_registration_ends_the_outage_of_the_former_producer_and_its_refusals()
    {
        Submit();
        byte[] entry = _port.NextAppend();
        _core.EndAppend(ProducerId, 1, new LogOutcomeUnknownException("nacked"));
        _core.EndOutageGrace();
        ReadBack(entry, EntryFate.UnknownProducer);
        TakeRegistered(9);

        PendingCommand pending = Submit();

        Assert.False(pending.Reply.IsCompleted);
        Assert.Equal(9, Read(_port.NextAppend()).ProducerId);
        Assert.DoesNotContain(PublisherTimer.OutageGraceOver, _port.Timers);
    }

    [Fact]
    public void After_a_new_registration_failed_entries_are_appended_again_as_before_it()
    {
        Submit();
        byte[] entry = _port.NextAppend();
        _core.EndAppend(ProducerId, 1, new LogOutcomeUnknownException("nacked"));
        ReadBack(entry, EntryFate.UnknownProducer);
        _core.AppendNew();
        TakeRegistered(9);
        Submit();
        byte[] first = _port.NextAppend();

        _core.EndAppend(9, 1, new LogOutcomeUnknownException("nacked"));
        FireAppendAgain();

        Assert.Equal(first, _port.NextAppend());
    }

    [Fact]
    public void A_drain_ends_when_the_last_commands_are_refused_by_a_new_registration()
    {
        Submit();
        byte[] entry = _port.NextAppend();
        _core.Drain();
        Assert.False(_port.IsDrained);

        ReadBack(entry, EntryFate.UnknownProducer);

        Assert.True(_port.IsDrained);
    }

    [Fact]
    public void An_outage_ends_even_if_the_failure_is_told_after_the_entry_was_read_back()
    {
        Submit();
        byte[] first = _port.NextAppend();
        Submit();
        byte[] second = _port.NextAppend();
        _core.EndAppend(ProducerId, 2, null);
        ReadBack(first, EntryFate.Applied);
        _core.EndAppend(ProducerId, 1, new LogOutcomeUnknownException("connection lost"));

        FireAppendAgain();

        Assert.Equal(second, _port.NextAppend());
    }

    [Fact]
    public void A_gap_that_comes_by_before_its_confirm_goes_out_again_after_it()
    {
        Submit();
        byte[] first = _port.NextAppend();
        Submit();
        byte[] second = _port.NextAppend();
        ReadBack(second, EntryFate.Gap);
        ReadBack(first, EntryFate.Applied);

        _core.EndAppend(ProducerId, 2, null);
        FireAppendAgain();

        Assert.Equal(second, _port.NextAppend());
    }

    [Fact]
    public async Task A_full_log_takes_no_writes_until_snapshots_cover_more_of_it()
    {
        Submit();
        byte[] first = _port.NextAppend();
        Submit();
        PendingCommand waits = Submit();
        Apply(Retention.WritesBytesMax(1) + 1);
        PendingCommand late = Submit();
        PendingCommand read = Submit(Entries.Get("a"));
        ReadBack(first, EntryFate.Applied);

        Apply(0);
        PendingCommand after = Submit();

        foreach (PendingCommand refused in (PendingCommand[])[waits, late])
        {
            Assert.Equal(
                KvError.LogFull, (await Assert.ThrowsAsync<KvException>(() => refused.Reply)).Code);
        }
        Assert.False(read.Reply.IsCompleted || after.Reply.IsCompleted);
    }

    [Fact]
    public void A_drain_ends_when_the_last_commands_are_refused_by_a_full_log()
    {
        Submit();
        byte[] first = _port.NextAppend();
        _core.EndAppend(ProducerId, 1, new LogOutcomeUnknownException("nacked"));
        Submit();
        _core.Drain();
        ReadBack(first, EntryFate.Applied);
        Assert.False(_port.IsDrained);

        Apply(Retention.WritesBytesMax(1) + 1);

        Assert.True(_port.IsDrained);
    }

    private void Apply(long uncoveredBytes) =>
        _core.NoteApplied(new PublisherActor.Applied(5, Digest.Zero, uncoveredBytes, ClusterSize: 1));

    private void TakeRegistered(long producerId) =>
        _core.TakeRegistered(new PublisherActor.Registered(77, producerId, producerId, Digest.Zero));

    private PendingCommand Submit(Command? command = null)
    {
        var pending = new PendingCommand(command ?? Entries.Set("a", "1"), requestId: null);
        _core.Submit(pending);
        return pending;
    }

    private void FireAppendAgain()
    {
        Assert.True(_port.Timers.Remove(PublisherTimer.AppendAgain), "Nothing is to be appended again.");
        _core.AppendNew();
    }

    private void ReadBack(byte[] entry, EntryFate fate) =>
        _core.TakeReadBack(new PublisherActor.ReadBack(
            Read(entry).ProducerId,
            Read(entry).Sequence,
            1 + Read(entry).Sequence,
            Digest.Of(entry),
            fate,
            [new Reply.Done { Order = 1, Revision = 1 }]));

    private static LogEntry Read(byte[] entry) =>
        Assert.IsType<EntryReading.Entry>(EntryCodec.Read(entry)).Value;
}
