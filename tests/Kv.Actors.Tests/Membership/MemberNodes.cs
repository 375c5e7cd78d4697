using Akka.Configuration;
using Akka.TestKit.Xunit2;
using Kv.Actors.Fanouts;
using Kv.Actors.Log;
using Kv.Actors.Log.Embedded;
using Kv.Actors.Membership;
using Kv.Actors.Nodes;
using Kv.Actors.Presence;
using Kv.Actors.Publishing;
using Kv.Actors.Snapshots;
using Kv.Actors.Tests.Queue;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Kv.Files;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Membership;

/// <summary>Nodes of stream mode that share one log and a presence exchange in memory.</summary>
public abstract class MemberNodes : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _directory = Directory.CreateTempSubdirectory("kv-members-").FullName;
    private readonly List<LogNode> _nodes = [];
    private readonly List<ClusterMembership> _memberships = [];

    protected MemberNodes()
        : base(ConfigurationFactory.ParseString("akka.loglevel = WARNING")) =>
        SharedLog = SqliteLog.Open(_directory);

    protected InMemoryExchange Presence { get; } = new();

    protected SqliteLog SharedLog { get; }

    protected string SnapshotsOf(string nodeId) => Path.Combine(_directory, nodeId);

    protected async Task<ClusterMembership> JoinAsync(string nodeId, ulong clusterId = 0)
    {
        ClusterMembership membership = await ClusterMembership.StartAsync(
            Sys,
            new MembershipOptions
            {
                NodeId = nodeId,
                Url = $"http://{nodeId}",
                ClusterId = clusterId,
                RecheckMs = 10,
                SeekTailMs = 50,
                Presence = new PresenceOptions
                {
                    IntervalMs = 30,
                    WhoWaitMs = 100,
                    SilentMs = 1_000,
                    ForgetMs = 600_000,
                },
            },
            Presence.Open(nodeId));
        _memberships.Add(membership);
        return membership;
    }

    protected async Task<LogNode> StartAsync(
        string nodeId, IReplicationLog? log = null, ulong clusterId = 0)
    {
        ClusterMembership membership = await JoinAsync(nodeId, clusterId);
        await membership.Admitted.WaitAsync(Patience);
        LogNode node = await LogNode.StartAsync(Sys, new LogNodeOptions
        {
            NodeId = nodeId,
            Mode = ReplicationMode.Stream,
            Log = log ?? SharedLog,
            Publisher = new PublisherOptions
            {
                MayFound = clusterId == 0,
                FoundingDelayMs = 50,
                FoundingObjection = () => membership.ClusterNearby,
            },
            Snapshots = new SnapshotOptions { Files = new SnapshotFiles(SnapshotsOf(nodeId)) },
            Membership = membership,
            ListMembers = async cancellation =>
                [.. (await membership.ListAsync(cancellation)).Select(MemberStatus.Of)],
            ExpectedClusterId = clusterId,
        });
        _nodes.Add(node);
        return node;
    }

    protected async Task StopAsync(LogNode node)
    {
        _nodes.Remove(node);
        await node.StopAsync(CancellationToken.None);
    }

    protected async Task<LogNode> StartReadyAsync(string nodeId)
    {
        LogNode node = await StartAsync(nodeId);
        await InStateAsync(node, NodeState.Ready);
        return node;
    }

    protected async Task<NodeStatus> InStateAsync(LogNode node, NodeState state) =>
        await StatusAsync(node, status => status.State == state);

    /// <summary>The first status that is as wanted; polls, because nothing tells of it.</summary>
    protected async Task<NodeStatus> StatusAsync(LogNode node, Func<NodeStatus, bool> isWanted)
    {
        NodeStatus status = await node.GetStatusAsync(CancellationToken.None);
        await AwaitConditionAsync(
            async () =>
            {
                status = await node.GetStatusAsync(CancellationToken.None);
                return isWanted(status);
            },
            Patience,
            TimeSpan.FromMilliseconds(10),
            $"The last status was {status}");
        return status;
    }

    protected static Task<Reply> SetAsync(LogNode node, string key, string value) =>
        node.ExecuteAsync(Entries.Set(key, value), null, CancellationToken.None);

    /// <summary>A snapshot file of what a node has, for another to start from.</summary>
    protected async Task GiveSnapshotAsync(LogNode from, string toNodeId, Func<StoreCapture, byte[]> encode)
    {
        (StoreCapture capture, _) = await from.CaptureAsync(CancellationToken.None);
        Directory.CreateDirectory(SnapshotsOf(toNodeId));
        string file = SnapshotFile.In(
            SnapshotsOf(toNodeId), capture.Header.AppliedOffset, isPinned: false).Path;
        await File.WriteAllBytesAsync(file, encode(capture));
    }

    /// <summary>Announces a node that is not there.</summary>
    internal void Announce(Announcement announced, PresenceKind kind = PresenceKind.Announce) =>
        Presence.Publish(new FanoutMessage(
            AnnouncementCodec.Encode(new PresenceMessage(kind, announced)),
            AnnouncementCodec.ContentType,
            FanoutMessage.NoHeaders));

    /// <summary>Announces nodes that are not there as long as a starting one listens.</summary>
    internal async Task AnnounceUntilAsync(Task started, params Announcement[] announced) =>
        await AwaitConditionAsync(
            () =>
            {
                Array.ForEach(announced, announcement => Announce(announcement));
                return Task.FromResult(started.IsCompleted);
            },
            Patience,
            TimeSpan.FromMilliseconds(5));

    protected override void AfterAll()
    {
        foreach (LogNode node in _nodes)
        {
            node.StopAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
        foreach (ClusterMembership membership in _memberships)
        {
            membership.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        SharedLog.DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }
}
