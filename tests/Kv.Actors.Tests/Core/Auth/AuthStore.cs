using Kv.Core;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core.Auth;

/// <summary>
/// A store with users: root, and "u", who may read [a, c), write [b, d), and nothing else.
/// </summary>
internal sealed class AuthStore
{
    private const long Producer = 1;

    private long _offset = Producer;
    private long _sequence;

    internal AuthStore(bool isEnabled = true)
    {
        Store.Apply(0, Entries.Genesis());
        Store.Apply(Producer, Entries.Register());
        AuthChange[] changes =
        [
            new AuthChange.UserAdd("root", Entries.Utf8("hash of root")),
            new AuthChange.UserGrantRole("root", "root"),
            new AuthChange.UserAdd("u", Entries.Utf8("hash of u")),
            new AuthChange.RoleAdd("r"),
            new AuthChange.RoleGrantPermission("r", Permission(PermissionKind.Read, "a", "b")),
            new AuthChange.RoleGrantPermission("r", Permission(PermissionKind.ReadWrite, "b", "c")),
            new AuthChange.RoleAdd("w"),
            new AuthChange.RoleGrantPermission("w", Permission(PermissionKind.Write, "c", "d")),
            new AuthChange.UserGrantRole("u", "w"),
            new AuthChange.UserGrantRole("u", "r"),
        ];
        Assert.All(changes, change => Assert.IsType<Reply.Done>(Change(change)));
        if (isEnabled)
        {
            Assert.IsType<Reply.Done>(Change(new AuthChange.Enable(Key)));
        }
    }

    internal static ReadOnlyMemory<byte> Key { get; } = Enumerable.Range(1, KvLimits.TokenKeyBytes)
        .Select(static i => (byte)i).ToArray();

    internal KeyValueStore Store { get; } = new();

    internal AuthTable Table => Store.Auth;

    internal Principal Root => new("root", Table.Revision);

    internal Principal User => new("u", Table.Revision);

    internal static KeyPermission Permission(PermissionKind kind, string key, string end = "") =>
        new(kind, Entries.Utf8(key), Entries.Utf8(end));

    internal Reply Change(AuthChange change) => Apply(new Command.Auth(change), Root);

    internal StoreError? Error(Command command, Principal? who) =>
        (Apply(command, who) as Reply.Refused)?.Error;

    internal Reply Apply(Command command, Principal? who, RequestId? id = null)
    {
        LogEntry entry = Entries.Entry(Entries.ClusterId, Producer, ++_sequence) with
        {
            Commands = [new LoggedCommand(command, id, who)],
        };
        return Store.Apply(++_offset, EntryCodec.Encode(entry), Producer).Replies[0];
    }
}
