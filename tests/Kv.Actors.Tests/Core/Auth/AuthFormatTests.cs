using Kv.Actors.Tests.Snapshots;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core.Auth;

public sealed class AuthFormatTests
{
    private static readonly AuthChange[] Changes =
    [
        new AuthChange.Enable(new byte[] { 1, 2, 3 }),
        new AuthChange.Disable(),
        new AuthChange.UserAdd("u", new byte[] { 4, 5 }),
        new AuthChange.UserAdd("ü", default, HasNoPassword: true),
        new AuthChange.UserDelete("u"),
        new AuthChange.UserChangePassword("u", new byte[] { 6 }),
        new AuthChange.UserGrantRole("u", "r"),
        new AuthChange.UserRevokeRole("u", "r"),
        new AuthChange.RoleAdd("r"),
        new AuthChange.RoleDelete("r"),
        new AuthChange.RoleGrantPermission("r", AuthStore.Permission(PermissionKind.ReadWrite, "a", "b")),
        new AuthChange.RoleRevokePermission("r", Entries.Utf8("a"), Entries.Utf8("b")),
    ];

    private static readonly LogEntry OfUsers = Entries.Entry(Entries.ClusterId, 1, 1) with
    {
        Commands =
        [
            .. Changes.Select(static change => new LoggedCommand(new Command.Auth(change))),
            new LoggedCommand(new Command.Print(), new RequestId(9, 8), new Principal("u", 7)),
            new LoggedCommand(new Command.Compact(5), Principal: Principal.Cluster),
        ],
    };

    [Fact]
    public void Changes_and_who_asks_have_these_bytes_for_ever()
    {
        // Behind the header and before the checksum.
        string commands = Convert.ToHexString(EntryCodec.Encode(OfUsers)[64..^8]);

        Assert.Equal(GoldenCommands, commands);
    }

    [Fact]
    public void They_are_read_as_they_were_written()
    {
        byte[] bytes = EntryCodec.Encode(OfUsers);

        var read = Assert.IsType<EntryReading.Entry>(EntryCodec.Read(bytes));

        Assert.Equal(bytes, EntryCodec.Encode(read.Value));
        Assert.Equal(new Principal("u", 7), read.Value.Commands[^2].Principal);
        Assert.True(read.Value.Commands[^1].Principal!.IsCluster);
        Assert.Null(read.Value.Commands[0].Principal);
    }

    [Fact]
    public void The_bound_of_their_bytes_holds() => Assert.All(OfUsers.Commands, static logged =>
    {
        int without = EntryCodec.Encode(OfUsers with { Commands = [new(new Command.Print())] }).Length - 6;
        int with = EntryCodec.Encode(OfUsers with { Commands = [logged] }).Length;

        Assert.InRange(with - without, 1, EntryCodec.CommandBytesMax(logged.Command, logged.Principal));
    });

    [Fact]
    public void A_change_or_permission_of_a_newer_build_is_unreadable()
    {
        Assert.All(
            [
                (Byte: 0, Value: (byte)99, Change: Changes[1]),
                (Byte: 6, Value: (byte)2, Change: Changes[2]),
                (Byte: 6, Value: (byte)3, Change: Changes[10]),
            ],
            static wrong =>
            {
                byte[] bytes = EntryCodec.Encode(Entries.Entry(
                    Entries.ClusterId, 1, 1, new Command.Auth(wrong.Change)));
                // kind, flags and length stand before the body
                bytes[64 + 6 + wrong.Byte] = wrong.Value;
                System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(
                    bytes.AsSpan(^8..), System.IO.Hashing.XxHash3.HashToUInt64(bytes.AsSpan(..^8)));

                var reading = Assert.IsType<EntryReading.Unreadable>(EntryCodec.Read(bytes));

                Assert.Contains("newer build", reading.Why);
            });
    }

    [Fact]
    public void A_restored_store_has_the_same_users_contents_and_bytes()
    {
        var users = new AuthStore();
        users.Change(new AuthChange.UserAdd("np", default, HasNoPassword: true));

        byte[] snapshot = Stores.Encode(users.Store);
        KeyValueStore restored = Stores.Decode(snapshot);

        Assert.Equal(users.Store.Contents, restored.Contents);
        Assert.Equal(snapshot, Stores.Encode(restored));
        Assert.Equal(users.Table.Revision, restored.Auth.Revision);
        Assert.Equal(users.Table.TokenKey.ToArray(), restored.Auth.TokenKey.ToArray());
        Assert.Equal(users.Table.Users["u"].Roles, restored.Auth.Users["u"].Roles);
        Assert.True(restored.Auth.Users["np"].HasNoPassword);
        Assert.Equal(2, restored.Auth.Roles["r"].Permissions.Count);
    }

    [Fact]
    public void Each_change_changes_the_contents_digest_and_taking_it_back_leaves_only_the_revision()
    {
        var store = new AuthStore(isEnabled: false);
        Digest before = store.Store.Contents;
        store.Change(new AuthChange.Enable(AuthStore.Key));
        Digest enabled = store.Store.Contents;
        store.Change(new AuthChange.RoleGrantPermission(
            "r", AuthStore.Permission(PermissionKind.Read, "x")));
        Digest granted = store.Store.Contents;
        store.Change(new AuthChange.UserDelete("u"));

        Assert.Equal(4, new HashSet<Digest> { before, enabled, granted, store.Store.Contents }.Count);
    }

    [Fact]
    public void A_base_has_the_users_of_the_old_cluster()
    {
        var users = new AuthStore();
        StoreCapture founded = BaseSnapshot.Of(users.Store, clusterId: 99);

        KeyValueStore restored = Stores.Decode(Stores.Encode(founded));

        Assert.True(restored.Auth.IsEnabled);
        Assert.Equal(users.Table.Users.Keys, restored.Auth.Users.Keys);
        Assert.Equal(users.Table.Roles.Keys, restored.Auth.Roles.Keys);
    }

    private const string GoldenCommands =
        "50000500000001030102035000010000000250000A00000003010000007500020405500009000000"
        + "0302000000C3BC0100500006000000040100000075500008000000050100000075010650000B0000"
        + "00060100000075010000007250000B00000007010000007501000000725000060000000801000000"
        + "7250000600000009010000007250000B0000000A0100000072020161016250000A0000000B010000"
        + "00720161016204030900000000000000000000000000000008000000000000000100000075070000"
        + "0000000000000000002302000000000000000000000000080000000500000000000000";
}
