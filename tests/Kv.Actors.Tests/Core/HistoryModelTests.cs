using System.Text;
using Kv.Actors.Tests.Snapshots;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

/// <summary>
/// The store's history against a model that keeps a whole copy of all keys for every revision: what is read
/// at any revision, what a transaction answers, and all of it again behind a snapshot.
/// </summary>
public sealed class HistoryModelTests
{
    private const int Operations = 400;

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Any_revision_reads_as_it_was(int seed)
    {
        var random = new Random(seed);
        var model = new Model();
        KeyValueStore store = Founded();
        for (int i = 1; i <= Operations; i++)
        {
            Command command = RandomCommand(random, model);
            Reply reply = store.Apply(10 + i, Entries.Encode(2, i, command), answering: 2).Replies[0];

            model.Apply(command, reply);

            Assert.Equal(model.Revision, store.Revision);
            if (i % 40 == 0)
            {
                AssertSame(model, store);
                store = Stores.Decode(Stores.Encode(store));
                AssertSame(model, store);
            }
        }
    }

    [Fact]
    public void A_snapshot_is_the_same_bytes_whatever_was_pruned()
    {
        KeyValueStore store = Founded();
        for (int i = 1; i <= 20; i++)
        {
            store.Apply(10 + i, Entries.Encode(2, i, Put($"k{i % 3}", $"{i}")));
        }
        KeyValueStore behind = Founded();
        foreach (int i in Enumerable.Range(1, 20))
        {
            behind.Apply(10 + i, Entries.Encode(2, i, Put($"k{i % 3}", $"{i}")));
        }
        // Who reads an older history holds it, on one of the two only.
        KeyView held = behind.Keys();
        byte[] compact = Entries.Encode(2, 21, new Command.Compact(15));
        store.Apply(40, compact);
        behind.Apply(40, compact);
        // What was compacted is let go with the next entry.
        store.Apply(41, Entries.Encode(2, 22, new Command.Barrier()));
        behind.Apply(41, Entries.Encode(2, 22, new Command.Barrier()));

        Assert.True(behind.Bytes > store.Bytes, $"{behind.Bytes} are kept, {store.Bytes} if nobody reads.");
        Assert.Equal(Stores.Encode(store), Stores.Encode(behind));
        Assert.Equal("3", Text(held.Range(new RangeQuery(Entries.Utf8("k0")) { Revision = 5 })));
        GC.KeepAlive(held);
    }

    [Fact]
    public void Compacted_history_is_let_go()
    {
        KeyValueStore store = Founded();
        long sequence = 0;
        for (int i = 0; i < 3_000; i++)
        {
            sequence++;
            store.Apply(10 + sequence, Entries.Encode(2, sequence, Put("k", "v"), Del("k")));
        }
        long full = store.Bytes;

        sequence++;
        store.Apply(10 + sequence, Entries.Encode(2, sequence, new Command.Compact(store.Revision)));
        for (int i = 0; i < 10; i++)
        {
            sequence++;
            store.Apply(10 + sequence, Entries.Encode(2, sequence, new Command.Barrier()));
        }

        Assert.True(full > 6_000 * KvLimits.RecordBytesExtra);
        Assert.True(store.Bytes < 5 * KvLimits.RecordBytesExtra, $"{store.Bytes} bytes are left.");
    }

    private static KeyValueStore Founded()
    {
        var store = new KeyValueStore();
        store.Apply(1, Entries.Genesis());
        store.Apply(2, Entries.Register());
        return store;
    }

    private static Command.Put Put(string key, string value) =>
        new(Entries.Utf8(key), Entries.Utf8(value), Options: PutOptions.WithPrevious);

    private static Command.DeleteRange Del(string key) => new(Entries.Utf8(key), default, true);

    private static string Text(RangeResult range) =>
        string.Join(' ', range.Records.Select(static record => Encoding.UTF8.GetString(record.Value)));

    private static Command RandomCommand(Random random, Model model) => random.Next(10) switch
    {
        < 5 => Put(Key(random), $"{random.Next()}"),
        5 => Del(Key(random)),
        6 => new Command.DeleteRange(Entries.Utf8(Key(random)), Entries.Utf8(Key(random)), true),
        7 when random.Next(4) == 0 => new Command.Compact(
            random.NextInt64(model.Compacted, model.Revision + 2)),
        _ => RandomTxn(random),
    };

    private static Command.Txn RandomTxn(Random random)
    {
        string[] keys = [.. Enumerable.Range(0, 8).Select(static i => $"k{i}")];
        random.Shuffle(keys);
        var compare = new TxnCompare(
            Entries.Utf8(keys[0]),
            default,
            CompareTarget.Version,
            CompareResult.Greater,
            random.Next(3),
            default);
        Command[] then =
        [
            Put(keys[1], "then"), Del(keys[2]), new Command.Range(new RangeQuery(Entries.Utf8(keys[1]))),
            new Command.Txn([compare], [Put(keys[3], "inner")], []),
        ];
        return new Command.Txn([compare], then, [Del(keys[4]), Put(keys[5], "else")]);
    }

    private static string Key(Random random) => $"k{random.Next(8)}";

    private static void AssertSame(Model model, KeyValueStore store)
    {
        KeyView keys = store.Keys();
        var all = new RangeQuery(Entries.Utf8("k"), new byte[] { 0 });
        Assert.Equal(model.Compacted, store.CompactedRevision);
        for (long revision = Math.Max(1, model.Compacted); revision <= model.Revision; revision++)
        {
            RangeResult range = keys.Range(all with { Revision = revision });
            Assert.Equal(
                model.At(revision).Select(static pair => (pair.Key, pair.Value)),
                range.Records.Select(static record => (
                    Encoding.UTF8.GetString(record.Key), ModelRecord.Of(record))));
        }
        Assert.Equal(StoreError.FutureRevision, keys.Check(all with { Revision = model.Revision + 1 }));
        Assert.Equal(
            model.Compacted > 1 ? StoreError.Compacted : null,
            keys.Check(all with { Revision = model.Compacted - 1 }));
        AssertHistory(model, keys);
    }

    // Each mutation once, in order, with what was there before it.
    private static void AssertHistory(Model model, KeyView keys)
    {
        for (long revision = model.Compacted + 1; revision <= model.Revision; revision++)
        {
            int at = keys.History.FirstAtOrBehind(revision);
            var seen = new SortedDictionary<string, ModelRecord>(
                model.At(revision - 1), StringComparer.Ordinal);
            for (; at < keys.History.Count && keys.History[at].ModRevision == revision; at++)
            {
                KeyRecord record = keys.History[at];
                string key = Encoding.UTF8.GetString(record.Key);
                Assert.Equal(
                    seen.GetValueOrDefault(key),
                    record.PreviousPut is { } previous ? ModelRecord.Of(previous) : null);
                seen.Remove(key);
                if (!record.IsDeleted)
                {
                    seen.Add(key, ModelRecord.Of(record));
                }
            }
            Assert.Equal(model.At(revision), seen);
        }
    }

    private sealed record ModelRecord(string Value, long Created, long Modified, long Version)
    {
        internal static ModelRecord Of(KeyRecord record) => new(
            Encoding.UTF8.GetString(record.Value),
            record.CreateRevision,
            record.ModRevision,
            record.Version);
    }

    /// <summary>A whole copy for each revision.</summary>
    private sealed class Model
    {
        private readonly List<SortedDictionary<string, ModelRecord>> _revisions =
            [[], new(StringComparer.Ordinal)];

        internal long Revision => _revisions.Count - 1;

        internal long Compacted { get; private set; }

        internal SortedDictionary<string, ModelRecord> At(long revision) => _revisions[(int)revision];

        internal void Apply(Command command, Reply reply)
        {
            if (command is Command.Compact compact)
            {
                bool isFine = compact.Revision > Compacted && compact.Revision <= Revision;
                Assert.Equal(isFine, reply is Reply.Done);
                Compacted = isFine ? compact.Revision : Compacted;
                return;
            }
            var next = new SortedDictionary<string, ModelRecord>(At(Revision), StringComparer.Ordinal);
            if (Change(next, command, reply))
            {
                _revisions.Add(next);
            }
            Assert.Equal(Revision, reply.Revision);
        }

        private bool Change(SortedDictionary<string, ModelRecord> keys, Command command, Reply reply)
        {
            switch (command)
            {
                case Command.Put put:
                    string key = Encoding.UTF8.GetString(put.Key.Span);
                    ModelRecord? before = keys.GetValueOrDefault(key);
                    KeyRecord? said = Assert.IsType<Reply.Stored>(reply).Previous;
                    Assert.Equal(before, said is null ? null : ModelRecord.Of(said));
                    keys[key] = new ModelRecord(
                        Encoding.UTF8.GetString(put.Value.Span),
                        before?.Created ?? Revision + 1,
                        Revision + 1,
                        (before?.Version ?? 0) + 1);
                    return true;
                case Command.DeleteRange deletion:
                    var range = new RangeQuery(deletion.Key, deletion.RangeEnd);
                    string[] gone = [.. keys.Keys.Where(one => range.Contains(Entries.Utf8(one)))];
                    Assert.Equal(gone.Length, Assert.IsType<Reply.DeletedRange>(reply).Count);
                    Array.ForEach(gone, one => keys.Remove(one));
                    return gone.Length > 0;
                case Command.Range read:
                    RangeResult result = Assert.IsType<Reply.Ranged>(reply).Result!;
                    Assert.Equal(
                        keys.Where(pair => read.Query.Contains(Entries.Utf8(pair.Key)))
                            .Select(static pair => pair.Value),
                        result.Records.Select(ModelRecord.Of));
                    return false;
                default:
                    var txn = (Command.Txn)command;
                    return Change(keys, txn, Assert.IsType<Reply.TxnDone>(reply), At(Revision));
            }
        }

        private bool Change(
            SortedDictionary<string, ModelRecord> keys,
            Command.Txn txn,
            Reply.TxnDone reply,
            SortedDictionary<string, ModelRecord> before)
        {
            bool holds = txn.Compares.All(compare =>
                (before.GetValueOrDefault(Encoding.UTF8.GetString(compare.Key.Span))?.Version ?? 0)
                    > compare.Number);
            Assert.Equal(holds, reply.Succeeded);
            bool changed = false;
            foreach ((Command part, Reply answer) in (holds ? txn.Success : txn.Failure).Zip(reply.Replies))
            {
                changed |= part is Command.Txn nested
                    ? Change(keys, nested, (Reply.TxnDone)answer, before)
                    : Change(keys, part, answer);
            }
            return changed;
        }
    }
}
