using CsCheck;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Snapshots;

/// <summary>A store restored from a snapshot goes on exactly as the one that applied every entry.</summary>
public sealed class SnapshotReplayTests
{
    private static readonly Gen<Step> Steps = Gen.Select(
        Gen.Int[0, 17], Gen.Int[0, 5], Gen.Int[0, 9], Gen.Int[0, 6],
        static (kind, key, value, request) => new Step(kind, key, value, request));

    [Fact]
    public void Replay_and_restore_with_the_tail_are_the_same_store() =>
        Gen.Select(Steps.Array[0, 60], Steps.Array[0, 40]).Sample(static (before, after) =>
        {
            var log = new LogOfSteps();
            var replayed = new KeyValueStore();
            log.ApplyTo([replayed], Step.Founding);
            foreach (Step step in before)
            {
                log.ApplyTo([replayed], step);
            }

            KeyValueStore restored = Stores.Decode(Stores.Encode(replayed));

            foreach (Step step in after)
            {
                IReadOnlyList<string> fates = log.ApplyTo([replayed, restored], step);
                Assert.Equal(fates[0], fates[1]);
            }
            Assert.Equal(replayed.Chain, restored.Chain);
            Assert.Equal(StateDigest.Of(replayed.Capture()), StateDigest.Of(restored.Capture()));
            Assert.Equal(Stores.Encode(replayed), Stores.Encode(restored));
        });

    [Fact]
    public void A_capture_stays_as_it_was_while_the_store_goes_on()
    {
        KeyValueStore store = Stores.Small();
        StoreCapture capture = store.Capture();
        byte[] atOnce = Stores.Encode(capture);

        for (int i = 0; i < 500; i++)
        {
            Command[] commands = [Entries.Set($"k{i % 50}", $"{i}"), Entries.Del("a")];
            store.Apply(20 + i, Entries.Encode(11, 4 + i, commands));
        }
        store.Apply(900, Entries.Register(nonce: 9));

        Assert.Equal(atOnce, Stores.Encode(capture));
    }

    [Fact]
    public void Equal_states_have_equal_digests_and_others_have_not()
    {
        KeyValueStore store = Stores.Small();
        KeyValueStore same = Stores.Small();
        KeyValueStore other = Stores.Small();
        other.Apply(19, "[]"u8.ToArray());

        Assert.Equal(StateDigest.Of(store.Capture()), StateDigest.Of(same.Capture()));
        Assert.NotEqual(StateDigest.Of(store.Capture()), StateDigest.Of(other.Capture()));
    }

    [Fact]
    public void The_state_digest_of_this_version_is_recorded() => Assert.Equal(
        RecordedDigest, StateDigest.Of(Stores.Small().Capture()).ToString());

    private const string RecordedDigest = "63188d7af19a764f1d9b73d4318f7958";

    /// <param name="Kind">Which entry; see <see cref="LogOfSteps"/>.</param>
    private sealed record Step(int Kind, int Key, int Value, int Request)
    {
        internal static readonly Step Founding = new(-1, 0, 0, 0);
    }

    /// <summary>
    /// Makes entries of steps, with sparse offsets, several producers and everything that goes wrong.
    /// </summary>
    private sealed class LogOfSteps
    {
        private readonly List<long> _producers = [];
        private readonly Dictionary<long, long> _sequences = [];
        private long _offset = 4;
        private byte[] _last = [];

        internal IReadOnlyList<string> ApplyTo(KeyValueStore[] stores, Step step)
        {
            _offset += 1 + step.Value;
            byte[] message = Message(step, stores[0]);
            long answering = _producers.LastOrDefault();
            return [.. stores.Select(store => Text(store.Apply(_offset, message, answering)))];
        }

        private byte[] Message(Step step, KeyValueStore store) => step.Kind switch
        {
            -1 => Entries.Genesis(),
            0 => Register(step),
            1 => "stray"u8.ToArray(),
            2 => Entries.Genesis(0xBAD),
            3 => _last.Length > 0 ? _last : "stray"u8.ToArray(),
            4 => Sequenced(step, store, skip: 1),
            5 when _producers.Count > 2 => Entries.Encode(_producers[0], 1, new Command.Close(_producers[0])),
            _ => _last = Sequenced(step, store, skip: 0),
        };

        private byte[] Register(Step step)
        {
            _producers.Add(_offset);
            return Entries.Register((ulong)step.Value, $"n{step.Key}");
        }

        private byte[] Sequenced(Step step, KeyValueStore store, int skip)
        {
            long producer = _producers.Count == 0 ? 1 : _producers[step.Value % _producers.Count];
            long sequence = _sequences.GetValueOrDefault(producer) + 1 + skip;
            if (skip == 0) { _sequences[producer] = sequence; }
            RequestId? id = step.Request < 4 ? new RequestId((UInt128)step.Request, step.Value) : null;
            return EntryCodec.Encode(Entries.Entry(Entries.ClusterId, producer, sequence) with
            {
                BasisOffset = store.AppliedOffset,
                BasisChain = store.Chain,
                Commands = [new(CommandOf(step), id), new(new Command.Barrier())],
            });
        }

        private static Command CommandOf(Step step) => step.Kind switch
        {
            6 => Entries.Get($"k{step.Key}"),
            7 => new Command.Print(),
            8 or 9 => Entries.Del($"k{step.Key}"),
            10 => Entries.Set("", "x"),
            14 => new Command.SnapshotTaken($"n{step.Key}", step.Value * 20, step.Value * 500),
            15 => new Command.ClusterSize(step.Value),
            16 => new Command.ClusterVersion(step.Value % 2),
            _ => Entries.Set($"k{step.Key}", $"{step.Value}"),
        };

        private static string Text(AppliedEntry applied) =>
            $"{applied.Fate} {applied.Hash} {applied.Sender} {applied.Why} "
            + string.Join("; ", applied.Replies.Select(Text));

        private static string Text(Reply reply) => reply switch
        {
            Reply.Got { Value: { } value } => $"{reply.Order} {Convert.ToHexString(value.Span)}",
            Reply.Printed { View: { } view } => $"{reply.Order} {view.Count}",
            _ => reply.ToString(),
        };
    }
}
