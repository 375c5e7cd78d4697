using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>Stores with something in them, and their snapshots as bytes.</summary>
internal static class Stores
{
    /// <summary>A store that has one of everything the simple API and the log leave in a snapshot.</summary>
    internal static KeyValueStore Small()
    {
        var store = new KeyValueStore(
            StoreRules.OfThisBuild with { SkipOffsets = new HashSet<long> { 18 } });
        store.Apply(10, Entries.Genesis());
        store.Apply(11, Entries.Register());
        Command[] plain = [Entries.Set("a", "1"), Entries.Set("b", "2"), Entries.Del("c")];
        store.Apply(12, Entries.Encode(11, 1, plain));
        LogEntry named = Entries.Entry(Entries.ClusterId, 11, 2) with
        {
            Commands =
            [
                new(Entries.Set("a", "3"), new RequestId(1, 0)),
                new(Entries.Get("a"), new RequestId(2, 0)),
                new(new Command.Print(), new RequestId(3, 0)),
                new(Entries.Del("b"), new RequestId(4, 0)),
                new(Entries.Set("", "4"), new RequestId(5, 0)),
            ],
        };
        store.Apply(15, EntryCodec.Encode(named));
        store.Apply(16, "{}"u8.ToArray());
        Command[] own = [new Command.SnapshotTaken("n1", 15, 900), new Command.ClusterSize(3)];
        store.Apply(17, Entries.Encode(11, 3, own));
        byte[] damaged = Entries.Register(nonce: 7);
        damaged[^1] ^= 1;
        store.Apply(18, damaged);
        return store;
    }

    /// <summary>A store that has one of everything a snapshot holds.</summary>
    internal static KeyValueStore Full()
    {
        KeyValueStore store = Small();
        Command[] etcd =
        [
            new Command.LeaseGrant(7, 60),
            new Command.Put(Entries.Utf8("k"), Entries.Utf8("1"), LeaseId: 7),
            new Command.Put(Entries.Utf8("k"), Entries.Utf8("2"), LeaseId: 7),
            new Command.Compact(3),
            new Command.LeaseCheckpoint([new LeaseRemainder(7, 18, 1_500)]),
            new Command.Auth(new AuthChange.RoleAdd("r")),
            new Command.Auth(new AuthChange.RoleGrantPermission(
                "r", new KeyPermission(PermissionKind.Read, Entries.Utf8("a"), Entries.Utf8("b")))),
            new Command.Auth(new AuthChange.UserAdd("u", Entries.Utf8("hash"))),
            new Command.Auth(new AuthChange.UserGrantRole("u", "r")),
            new Command.Alarm(5, AlarmKind.NoSpace, IsRaised: true),
        ];
        store.Apply(20, Entries.Encode(11, 4, etcd));
        return store;
    }

    internal static byte[] Encode(KeyValueStore store) => Encode(store.Capture());

    internal static byte[] Encode(StoreCapture capture) =>
        [.. new SnapshotEncoder(capture).Chunks().SelectMany(static chunk => chunk.ToArray())];

    internal static KeyValueStore Decode(ReadOnlySpan<byte> snapshot, StoreRules? rules = null)
    {
        var decoder = new SnapshotDecoder(rules: rules);
        decoder.Write(snapshot);
        return decoder.ToStore();
    }

    internal static SnapshotException Refused(byte[] snapshot, string because = "")
    {
        try
        {
            Decode(snapshot);
        }
        catch (SnapshotException refused)
        {
            return refused;
        }
        throw new Xunit.Sdk.XunitException($"A damaged snapshot was restored. {because}");
    }
}
