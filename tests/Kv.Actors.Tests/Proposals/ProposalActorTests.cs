using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Kv.Actors.Nodes;
using Kv.Actors.Proposals;
using Kv.Actors.Publishing;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Proposals;

/// <summary>Proposals before a publisher that does what the test says; timers run on virtual time.</summary>
public sealed class ProposalActorTests : TestKit
{
    private static readonly Reply Done = new Reply.Done { Revision = 1, Order = 0 };

    private readonly TestProbe _publisher;
    private readonly IActorRef _proposals;

    public ProposalActorTests()
        : base(
            "akka.loglevel = DEBUG\n"
                + "akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        _publisher = CreateTestProbe();
        _proposals = Sys.ActorOf(ProposalActor.Props("n1", _publisher));
    }

    [Fact]
    public async Task A_snapshot_on_disk_is_proposed_under_the_nodes_name()
    {
        _proposals.Tell(new ProposalActor.SnapshotKept(40, 9_000));

        PendingCommand pending = await NextAsync();

        Assert.Equal(new Command.SnapshotTaken("n1", 40, 9_000), pending.Command);
    }

    [Fact]
    public async Task What_the_log_did_not_take_is_proposed_again()
    {
        _proposals.Tell(new ProposalActor.SnapshotKept(40, 9_000));
        PendingCommand first = await NextAsync();

        await FailAsync(first, KvError.NotReady);
        Scheduler.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(first.Command, (await NextAsync()).Command);
    }

    [Fact]
    public async Task A_node_that_halted_proposes_nothing_again()
    {
        _proposals.Tell(new ProposalActor.SnapshotKept(40, 9_000));

        await FailAsync(await NextAsync(), KvError.Halted);
        Scheduler.Advance(TimeSpan.FromSeconds(100));

        await NothingAsync();
    }

    [Fact]
    public async Task Of_snapshots_taken_meanwhile_only_the_last_is_proposed()
    {
        _proposals.Tell(new ProposalActor.SnapshotKept(40, 9_000));
        PendingCommand first = await NextAsync();
        _proposals.Tell(new ProposalActor.SnapshotKept(50, 10_000));
        _proposals.Tell(new ProposalActor.SnapshotKept(60, 11_000));

        await AnswerAsync(first);

        Assert.Equal(new Command.SnapshotTaken("n1", 60, 11_000), (await NextAsync()).Command);
        await NothingAsync();
    }

    [Fact]
    public async Task What_the_store_refuses_is_not_proposed_again()
    {
        _proposals.Tell(new ProposalActor.SnapshotKept(40, 9_000));
        PendingCommand pending = await NextAsync();

        await EventFilter.Warning(contains: "SnapshotAhead").ExpectOneAsync(() =>
        {
            pending.Answer(new Reply.Refused(StoreError.SnapshotAhead) { Revision = 1, Order = 0 });
            return Task.CompletedTask;
        });

        await NothingAsync();
    }

    [Fact]
    public async Task A_version_that_all_members_run_is_proposed_once()
    {
        var seen = new ProposalActor.MembersSeen(1, 2, [new("n1", 1, 2), new("n2", 1, 2)]);

        _proposals.Tell(seen);
        _proposals.Tell(seen);
        PendingCommand pending = await NextAsync();
        await AnswerAsync(pending);
        _proposals.Tell(seen with { ClusterVersion = 2 });

        Assert.Equal(new Command.ClusterVersion(2), pending.Command);
        await NothingAsync();
    }

    private TestScheduler Scheduler => (TestScheduler)Sys.Scheduler;

    private async Task<PendingCommand> NextAsync() =>
        (await _publisher.ExpectMsgAsync<PublisherActor.Submit>()).Pending;

    private Task AnswerAsync(PendingCommand pending) =>
        EventFilter.Debug(contains: "applied").ExpectOneAsync(() =>
        {
            pending.Answer(Done);
            return Task.CompletedTask;
        });

    private async Task FailAsync(PendingCommand pending, KvError code)
    {
        await EventFilter.Debug(contains: "proposes later").ExpectOneAsync(() =>
        {
            pending.Fail(code, "not now");
            return Task.CompletedTask;
        });
        await SettleAsync();
    }

    private async Task NothingAsync()
    {
        await SettleAsync();
        Assert.False(_publisher.HasMessages);
    }

    // Behind whatever it is doing.
    private Task<ActorIdentity> SettleAsync() => _proposals.Ask<ActorIdentity>(new Identify(1));
}
