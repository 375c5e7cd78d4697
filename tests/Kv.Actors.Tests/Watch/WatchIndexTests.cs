using Kv.Core.Watch;
using Entries = Kv.Actors.Tests.Core.Entries;

namespace Kv.Actors.Tests.Watch;

public sealed class WatchIndexTests
{
    private const int Steps = 2_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_finds_whoever_a_walk_through_all_would_find(int seed)
    {
        var random = new Random(seed);
        var index = new WatchIndex<Entry>();
        List<Entry> all = [];
        for (int step = 0; step < Steps; step++)
        {
            if (all.Count == 0 || random.Next(5) < 3)
            {
                var added = new Entry(RandomKeys(random));
                index.Add(added);
                all.Add(added);
            }
            else
            {
                int at = random.Next(all.Count);
                index.Remove(all[at]);
                all.RemoveAt(at);
            }
            byte[] key = Entries.Utf8(RandomKey(random));
            List<Entry> found = [];

            index.Collect(key, found);

            Assert.Equal(
                all.Where(entry => entry.Keys.Range.Contains(key)).Select(static entry => entry.Id).Order(),
                found.Select(static entry => entry.Id).Order());
            Assert.Equal(all.Count, index.Count);
        }
    }

    [Fact]
    public void What_is_not_in_it_cannot_be_removed()
    {
        var index = new WatchIndex<Entry>();
        var entry = new Entry(WatchedKeys.Of(Entries.Utf8("a"), default));
        index.Add(entry);
        index.Remove(entry);

        Assert.Throws<InvalidOperationException>(() => index.Remove(entry));
    }

    private static WatchedKeys RandomKeys(Random random)
    {
        string from = RandomKey(random);
        return random.Next(4) switch
        {
            0 => WatchedKeys.Of(Entries.Utf8(from), default),
            1 => WatchedKeys.Of(Entries.Utf8(from), new byte[] { 0 }),
            _ => WatchedKeys.Of(Entries.Utf8(from), Entries.Utf8(from + RandomKey(random))),
        };
    }

    private static string RandomKey(Random random) =>
        new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (char)('a' + random.Next(3)))]);

    private sealed class Entry(WatchedKeys keys) : WatchIndexEntry(keys)
    {
        private static int _made;

        public int Id { get; } = Interlocked.Increment(ref _made);
    }
}
