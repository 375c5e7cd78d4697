using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Core.Watch;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Watch;

/// <summary>
/// Random writes, compactions, watches and cancellations, with hub and streams as far behind each other as
/// chance has it: every watch is told all that it wants, once, in order, a revision in one reply, or why not.
/// </summary>
public sealed class WatchModelTests
{
    private const int Steps = 1_500;
    private const int Streams = 3;

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_watch_is_told_everything_once_or_why_not(int seed)
    {
        var random = new Random(seed);
        var model = new WatchModel();
        Watched[] streams = [.. Enumerable.Range(0, Streams).Select(_ => new Watched(model))];
        // Some run with large values: queues fill, and watches read history.
        int valueBytes = seed % 3 == 0 ? 300_000 : 10;
        for (int step = 0; step < Steps; step++)
        {
            Watched stream = streams[random.Next(Streams)];
            switch (random.Next(20))
            {
                case < 4:
                    model.Apply(RandomCommands(random, model, valueBytes));
                    break;
                case < 9:
                    stream.Stream.TakeNews();
                    break;
                case < 13:
                    model.TakeOrder();
                    break;
                case < 17:
                    stream.Stream.Send();
                    break;
                case 17:
                    stream.Create(random, model);
                    break;
                case 18 when random.Next(4) == 0:
                    stream.Cancel(random);
                    break;
                default:
                    stream.AskProgress(random);
                    break;
            }
        }
        Drain(model, streams);

        foreach (Watched stream in streams)
        {
            stream.Check(model);
        }
    }

    private static void Drain(WatchModel model, Watched[] streams)
    {
        int stepsLeft = 1_000_000;
        while (model.HasOrders || streams.Any(static stream => !stream.Stream.IsIdle))
        {
            Assert.True(stepsLeft-- > 0, "It never ends.");
            model.TakeOrder();
            foreach (Watched stream in streams)
            {
                stream.Stream.TakeNews();
                stream.Stream.Send();
            }
        }
        // What is due only now that all is sent.
        Array.ForEach(streams, static stream => stream.Stream.Send());
    }

    private static Command[] RandomCommands(Random random, WatchModel model, int valueBytes) =>
    [
        .. Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomCommand(random, model, valueBytes)),
    ];

    private static Command RandomCommand(Random random, WatchModel model, int valueBytes) =>
        random.Next(16) switch
        {
            < 9 => Put(random, valueBytes),
            < 12 => new Command.DeleteRange(Key(random), random.Next(2) == 0 ? default : Key(random)),
            < 15 => new Command.Txn(
                [], [new Command.DeleteRange(Entries.Utf8("k0"), default), Put(random, valueBytes, "k1"),
                    Put(random, valueBytes, "k2")], []),
            _ => new Command.Compact(random.NextInt64(model.Compacted, model.Revision + 3)),
        };

    private static Command.Put Put(Random random, int valueBytes, string? key = null) =>
        new(key is null ? Key(random) : Entries.Utf8(key), new byte[random.Next(valueBytes)]);

    private static byte[] Key(Random random) => Entries.Utf8($"k{random.Next(6)}");

    /// <summary>A stream and what was asked on it, in order.</summary>
    private sealed class Watched(WatchModel model)
    {
        private readonly Dictionary<long, WatchDemand.Create> _created = [];
        private long _nextId = 1;
        private int _asked;

        public WatchModel.Stream Stream { get; } = model.Open();

        public void Create(Random random, WatchModel model)
        {
            byte[] end = random.Next(3) switch
            {
                0 => [],
                1 => [0],
                _ => Entries.Utf8("k9"),
            };
            var create = new WatchDemand.Create(
                _nextId++,
                WatchedKeys.Of(Key(random), end, random.Next(4) == 0, random.Next(4) == 0),
                random.Next(2) == 0 ? 0 : random.NextInt64(1, model.Revision + 5),
                WithPrevious: true,
                NotifiesProgress: random.Next(2) == 0,
                Fragments: random.Next(2) == 0);
            _created.Add(create.Id, create);
            Ask(create);
        }

        public void Cancel(Random random)
        {
            if (_created.Count > 0)
            {
                Ask(new WatchDemand.Cancel(random.Next(1, _created.Count + 2)));
            }
        }

        public void AskProgress(Random random)
        {
            if (random.Next(2) == 0)
            {
                Stream.Tick();
            }
            else
            {
                Ask(new WatchDemand.Progress());
            }
        }

        public void Check(WatchModel model)
        {
            Assert.Equal(_asked, Stream.Settled);
            foreach (WatchDemand.Create demand in _created.Values)
            {
                Check(model, demand);
            }
        }

        private void Ask(WatchDemand demand)
        {
            _asked++;
            Stream.Ask(demand);
        }

        private void Check(WatchModel model, WatchDemand.Create demand)
        {
            WatchReply[] all = [.. Stream.Replies.Where(reply => reply.Id == demand.Id || reply.Id == -1)];
            WatchReply[] own = [.. all.Where(reply => reply.Id == demand.Id)];
            Assert.Equal(WatchReplyKind.Created, own[0].Kind);
            long first = demand.StartRevision == 0 ? own[0].Revision + 1 : demand.StartRevision;
            (KeyRecord Record, KeyRecord? Previous)[] wanted =
            [
                .. model.Written.Where(
                    one => one.Record.ModRevision >= first && IsWanted(demand, one.Record)),
            ];
            WatchEvent[] got = [.. own.SelectMany(static reply => reply.Events)];
            WatchReply? end = own.FirstOrDefault(
                static reply => reply.Kind is WatchReplyKind.Cancelled or WatchReplyKind.Compacted);

            Assert.Equal(
                wanted.Take(got.Length).Select(static one => one.Record),
                got.Select(static e => e.Record));
            AssertPrevious(wanted, got, model.Compacted);
            AssertAtomic(own);
            AssertProgress(all, wanted, demand);
            if (end is null)
            {
                Assert.Equal(wanted.Length, got.Length);
            }
            else if (end.Kind == WatchReplyKind.Compacted)
            {
                Assert.True(end.CompactedRevision > (got.Length > 0 ? got[^1].Revision + 1 : first));
            }
            Assert.True(end is null || ReferenceEquals(end, own[^1]), "Something came behind the end.");
        }

        private static bool IsWanted(WatchDemand.Create demand, KeyRecord record) =>
            demand.Keys.Range.Contains(record.Key)
            && !(record.IsDeleted ? demand.Keys.NoDeletes : demand.Keys.NoPuts);

        // Nobody knows what was before the compacted revision.
        private static void AssertPrevious(
            (KeyRecord Record, KeyRecord? Previous)[] wanted, WatchEvent[] got, long compacted)
        {
            for (int i = 0; i < got.Length; i++)
            {
                Assert.True(
                    got[i].Previous == wanted[i].Previous
                        || (got[i].Previous is null && got[i].Revision <= compacted));
            }
        }

        private static void AssertAtomic(WatchReply[] replies)
        {
            long done = 0;
            foreach (WatchReply reply in replies.Where(static reply => reply.Events.Count > 0))
            {
                Assert.True(reply.Events[0].Revision > done);
                Assert.True(reply.Revision >= reply.Events[^1].Revision);
                done = reply.IsFragment ? done : reply.Events[^1].Revision;
            }
        }

        private static void AssertProgress(
            WatchReply[] replies, (KeyRecord Record, KeyRecord? Previous)[] wanted, WatchDemand.Create demand)
        {
            int sent = 0;
            bool isOn = false;
            foreach (WatchReply reply in replies)
            {
                sent += reply.Events.Count;
                isOn = reply.Kind switch
                {
                    WatchReplyKind.Created => true,
                    WatchReplyKind.Cancelled or WatchReplyKind.Compacted => false,
                    _ => isOn,
                };
                if (isOn && reply.Kind == WatchReplyKind.Progress)
                {
                    Assert.True(sent >= wanted.Count(one => one.Record.ModRevision <= reply.Revision));
                    Assert.True(reply.Revision + 1 >= demand.StartRevision);
                }
            }
        }
    }
}
