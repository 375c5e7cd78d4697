using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Log;
using Kv.Actors.Nodes;
using Kv.Actors.Publishing;
using Kv.Actors.Store;
using Kv.Core.Entries;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Publishing;

/// <summary>
/// The publisher between a log and a store that do what the test says; timers run on virtual time.
/// </summary>
public sealed class PublisherActorTests : TestKit
{
    private const long ProducerId = 1;

    private readonly FakeLog _log = new();
    private readonly TestProbe _store;
    private readonly IActorRef _publisher;

    public PublisherActorTests()
        : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        _store = CreateTestProbe();
        _publisher = Sys.ActorOf(PublisherActor.Props(
            "n1", _log, _store, new PublisherOptions { EntriesInFlightMax = 2 }, TimeProvider.System, () =>
                77));
    }

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    [Fact]
    public async Task A_command_before_the_registration_was_read_back_is_refused()
    {
        PendingCommand pending = Submit(Entries.Set("a", "1"));

        await FailsAsync(pending, KvError.NotReady);
    }

    [Fact]
    public async Task A_confirm_answers_nobody_and_reading_back_does()
    {
        await StartAsync();
        PendingCommand pending = Submit(Entries.Set("a", "1"));
        (byte[] entry, TaskCompletionSource confirmed) = await _log.NextAppendAsync();

        confirmed.SetResult();
        await RoundTripAsync();
        Assert.False(pending.Reply.IsCompleted);
        ReadBack(entry, EntryFate.Applied, Done(1));

        Assert.Equal(1, (await pending.Reply).Order);
    }

    [Fact]
    public async Task While_the_window_is_full_the_next_batch_gathers()
    {
        await StartAsync();
        Submit(Entries.Set("a", "1"));
        (byte[] first, TaskCompletionSource firstConfirmed) = await _log.NextAppendAsync();
        Submit(Entries.Set("a", "2"));
        await _log.NextAppendAsync();
        for (int i = 0; i < 10; i++)
        {
            Submit(Entries.Set("a", "3"));
        }
        firstConfirmed.SetResult();
        ReadBack(first, EntryFate.Applied, Done(1));

        (byte[] third, _) = await _log.NextAppendAsync();

        Assert.Equal(10, Commands(third).Count);
    }

    [Fact]
    public async Task Reads_that_wait_together_share_one_barrier()
    {
        await StartAsync();
        await FillWindowAsync();
        PendingCommand[] reads = [Submit(new Command.Barrier()), Submit(new Command.Barrier())];
        PendingCommand write = Submit(Entries.Set("a", "1"));

        byte[] entry = await FreeWindowAsync();
        ReadBack(entry, EntryFate.Applied, Done(0), Done(7));

        Assert.Equal(2, Commands(entry).Count);
        await Task.WhenAll(reads.Select(static read => read.Reply));
        Assert.Equal(7, (await write.Reply).Order);
    }

    [Fact]
    public async Task An_abandoned_command_is_never_published()
    {
        await StartAsync();
        await FillWindowAsync();
        PendingCommand abandoned = Submit(Entries.Set("gone", "1"));
        Submit(Entries.Set("a", "1"));

        Assert.True(abandoned.TryAbandon());
        byte[] entry = await FreeWindowAsync();

        Assert.Single(Commands(entry));
        Assert.False(abandoned.TryPublish());
    }

    [Fact]
    public async Task What_never_left_is_refused_and_its_sequence_is_filled_with_a_barrier()
    {
        await StartAsync();
        PendingCommand pending = Submit(Entries.Set("a", "1"));
        (byte[] entry, TaskCompletionSource append) = await _log.NextAppendAsync();

        append.SetException(new LogUnavailableException("no connection"));

        await FailsAsync(pending, KvError.LogUnavailable);
        (byte[] filler, _) = await NextRetryAsync();
        Assert.Equal(Read(entry).Sequence, Read(filler).Sequence);
        Assert.IsType<Command.Barrier>(Assert.Single(Commands(filler)));
    }

    [Fact]
    public async Task What_may_have_left_is_appended_again_unchanged_and_its_client_waits()
    {
        await StartAsync();
        PendingCommand pending = Submit(Entries.Set("a", "1"));
        (byte[] entry, TaskCompletionSource append) = await _log.NextAppendAsync();
        append.SetException(new LogOutcomeUnknownException("connection lost"));

        (byte[] again, TaskCompletionSource confirmed) = await NextRetryAsync();
        confirmed.SetResult();
        ReadBack(again, EntryFate.Applied, Done(5));

        Assert.Equal(entry, again);
        Assert.Equal(5, (await pending.Reply).Order);
    }

    [Fact]
    public async Task An_entry_with_an_unknown_attempt_is_never_replaced_even_if_the_next_attempt_is_refused()
    {
        await StartAsync();
        PendingCommand pending = Submit(Entries.Set("a", "1"));
        (byte[] entry, TaskCompletionSource append) = await _log.NextAppendAsync();
        append.SetException(new LogOutcomeUnknownException("connection lost"));
        (_, TaskCompletionSource second) = await NextRetryAsync();
        second.SetException(new LogUnavailableException("still away"));

        (byte[] third, _) = await NextRetryAsync();

        Assert.Equal(entry, third);
        Assert.False(pending.Reply.IsCompleted);
    }

    [Fact]
    public async Task What_was_confirmed_behind_a_lost_entry_goes_out_again_behind_it()
    {
        await StartAsync();
        Submit(Entries.Set("a", "1"));
        (byte[] first, TaskCompletionSource firstAppend) = await _log.NextAppendAsync();
        Submit(Entries.Set("a", "2"));
        (byte[] second, TaskCompletionSource secondAppend) = await _log.NextAppendAsync();
        secondAppend.SetResult();
        await RoundTripAsync();
        firstAppend.SetException(new LogOutcomeUnknownException("nacked"));

        (byte[] firstAgain, _) = await NextRetryAsync();
        (byte[] secondAgain, _) = await _log.NextAppendAsync();

        Assert.Equal([first, second], new[] { firstAgain, secondAgain });
    }

    [Fact]
    public async Task After_the_grace_of_an_outage_commands_fail_at_once()
    {
        await StartAsync();
        Submit(Entries.Set("a", "1"));
        (_, TaskCompletionSource append) = await _log.NextAppendAsync();
        append.SetException(new LogOutcomeUnknownException("connection lost"));
        await RoundTripAsync();
        PendingCommand inGrace = Submit(Entries.Set("a", "2"));
        await RoundTripAsync();
        Assert.False(inGrace.Reply.IsCompleted);

        Scheduler.Advance(TimeSpan.FromSeconds(2));

        await FailsAsync(inGrace, KvError.LogUnavailable);
        await FailsAsync(Submit(Entries.Set("a", "3")), KvError.LogUnavailable);
    }

    [Fact]
    public async Task Forgotten_by_the_table_it_registers_anew_and_what_was_not_applied_is_refused()
    {
        await StartAsync();
        PendingCommand pending = Submit(Entries.Set("a", "1"));
        (byte[] entry, _) = await _log.NextAppendAsync();

        ReadBack(entry, EntryFate.UnknownProducer);

        await FailsAsync(pending, KvError.LogUnavailable);
        await _store.ExpectMsgAsync<StoreActor.Attach>();
    }

    [Fact]
    public async Task Halted_it_refuses_everything_with_the_reason()
    {
        await StartAsync();
        PendingCommand published = Submit(Entries.Set("a", "1"));
        await _log.NextAppendAsync();

        _publisher.Tell(new PublisherActor.Halted("the log was rewritten"));

        await FailsAsync(published, KvError.Halted);
        await FailsAsync(Submit(Entries.Set("a", "2")), KvError.Halted);
    }

    [Fact]
    public async Task Drained_only_when_every_command_has_its_answer()
    {
        await StartAsync();
        Submit(Entries.Set("a", "1"));
        (byte[] entry, _) = await _log.NextAppendAsync();

        _publisher.Tell(new PublisherActor.Drain(), TestActor);
        await FailsAsync(Submit(Entries.Set("late", "1")), KvError.Stopping);
        ReadBack(entry, EntryFate.Applied, Done(1));

        await ExpectMsgAsync<PublisherActor.Drained>();
    }

    private async Task StartAsync()
    {
        await _store.ExpectMsgAsync<StoreActor.Attach>();
        _publisher.Tell(new PublisherActor.Founded(Entries.ClusterId));
        (byte[] registration, TaskCompletionSource done) = await _log.NextAppendAsync();
        Assert.IsType<Command.Register>(Assert.Single(Commands(registration)));
        done.SetResult();
        _publisher.Tell(new PublisherActor.Registered(77, ProducerId, 1, Digest.Zero));
    }

    private readonly List<byte[]> _inWindow = [];

    private async Task FillWindowAsync()
    {
        for (int i = 0; i < 2; i++)
        {
            Submit(Entries.Set("fill", "1"));
            _inWindow.Add((await _log.NextAppendAsync()).Entry);
        }
    }

    private async Task<byte[]> FreeWindowAsync()
    {
        foreach (byte[] entry in _inWindow)
        {
            ReadBack(entry, EntryFate.Applied, Done(1));
        }
        return (await _log.NextAppendAsync()).Entry;
    }

    private PendingCommand Submit(Command command)
    {
        var pending = new PendingCommand(command, requestId: null);
        _publisher.Tell(new PublisherActor.Submit(pending));
        return pending;
    }

    private void ReadBack(byte[] entry, EntryFate fate, params Reply[] replies) => _publisher.Tell(
        new PublisherActor.ReadBack(
            ProducerId, Read(entry).Sequence, 2, Digest.Of(entry), fate, replies));

    // The failure has to reach the actor before virtual time moves.
    private async Task<(byte[] Entry, TaskCompletionSource Done)> NextRetryAsync()
    {
        await AwaitAssertAsync(() =>
        {
            Scheduler.Advance(TimeSpan.FromMilliseconds(100));
            Assert.True(_log.AppendsWaiting > 0);
        });
        return await _log.NextAppendAsync();
    }

    // Whatever was told to the actor before has been handled when this returns.
    private async Task RoundTripAsync() => await _publisher.Ask<ActorIdentity>(new Identify(null));

    private static async Task FailsAsync(PendingCommand pending, KvError code) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KvException>(() => pending.Reply)).Code);

    private static LogEntry Read(byte[] entry) =>
        Assert.IsType<EntryReading.Entry>(EntryCodec.Read(entry)).Value;

    private static List<Command> Commands(byte[] entry) =>
        [.. Read(entry).Commands.Select(static logged => logged.Command)];

    private static Reply.Done Done(long order) => new() { Order = order, Revision = 1 };
}
