using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Host.Recovery;
using Kv.Protos.V1;

namespace Kv.Host.Tests.Recovery;

/// <summary>When a cluster may be recovered from a node, and when not.</summary>
public sealed class RecoveryCheckTests
{
    private const ulong ClusterId = 0xC0FFEE;

    private readonly KeyValueStore _store = new();
    private readonly List<Digest> _chains = [];

    public RecoveryCheckTests()
    {
        Apply(new Command.Found(Genesis.Empty(ClusterId, clusterSize: 3)));
        Apply(new Command.Barrier());
        Apply(new Command.Barrier());
    }

    [Fact]
    public void A_majority_that_agrees_will_do() => Assert.Empty(Objections(3, Peer("n2", 1)));

    [Fact]
    public void Alone_it_will_do_where_the_cluster_has_one_member() => Assert.Empty(Objections(1));

    [Fact]
    public void Alone_it_is_no_majority_of_three() => Refused("majority is 2", Objections(3));

    [Fact]
    public void The_same_peer_under_two_addresses_is_one() =>
        Refused("majority is 3", Objections(5, Peer("n2", 1), Peer("n2", 1)));

    [Fact]
    public void A_cluster_of_unknown_size_has_no_majority() =>
        Refused("--cluster-size", Objections(0, Peer("n2", 1)));

    [Fact]
    public void A_peer_that_has_more_is_to_be_recovered_from() =>
        Refused("recover there", Objections(3, Peer("n2", 1), Peer("n3", 9)));

    [Fact]
    public void A_peer_with_another_history_is_for_a_person_to_judge() => Refused(
        "another history",
        Objections(3, Peer("n2", 1), Peer("n3", 2) with { Digest = Digest.Of("other"u8).ToString() }));

    [Fact]
    public void A_peer_that_serves_forbids_it() =>
        Refused("still serves", Objections(3, Peer("n2", 2) with { State = "ready" }, Peer("n3", 1)));

    [Fact]
    public void A_peer_of_another_cluster_is_named() =>
        Refused("--join", Objections(3, Peer("n2", 1), Peer("n3", 1) with { Cluster = 0xBAD }));

    [Fact]
    public void A_node_whose_own_journal_is_damaged_is_not_recovered_from_unasked()
    {
        var check = new RecoveryCheck(_store, clusterSize: 1);

        check.TakeOwnLoss("The journal is damaged.");

        Refused("The journal is damaged.", check.Objections());
    }

    [Fact]
    public void An_empty_peer_counts_for_nothing() =>
        Refused("majority is 2", Objections(3, Peer("n2", -1) with { Cluster = 0 }));

    [Fact]
    public void A_peer_too_far_behind_to_be_compared_counts_for_nothing()
    {
        PeerWord behind = Peer("n2", 1);
        for (int i = 0; i < KvLimits.ChainDigestsMax; i++)
        {
            Apply(new Command.Barrier());
        }

        Refused("majority is 2", Objections(3, behind));
    }

    private sealed record PeerWord(string Node, string State, ulong Cluster, long Offset, string Digest);

    private PeerWord Peer(string node, int offset) => new(
        node, "halted", ClusterId, offset, offset >= 0 && offset < _chains.Count ? $"{_chains[offset]}" : "");

    private IReadOnlyList<string> Objections(int clusterSize, params PeerWord[] peers)
    {
        var check = new RecoveryCheck(_store, clusterSize);
        foreach (PeerWord peer in peers)
        {
            check.Take(new Uri("http://peer:50051"), new StatusReply
            {
                Node = peer.Node,
                State = peer.State,
                ClusterId = peer.Cluster == 0 ? "" : peer.Cluster.ToString("x16"),
                AppliedOffset = peer.Offset,
                Digest = peer.Digest,
            });
        }
        return check.Objections();
    }

    private static void Refused(string because, IReadOnlyList<string> objections) =>
        Assert.Contains(because, Assert.Single(objections));

    private void Apply(Command command)
    {
        _store.Apply(_store.AppliedOffset + 1, EntryCodec.Encode(new LogEntry
        {
            ClusterId = ClusterId,
            ProducerId = LogEntry.NoProducer,
            Sequence = 0,
            BasisOffset = -1,
            BasisChain = Digest.Zero,
            TimestampMs = 0,
            Commands = [new LoggedCommand(command)],
        }));
        _chains.Add(_store.Chain);
    }
}
