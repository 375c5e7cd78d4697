using Google.Protobuf;
using Kv.Etcd.Tests.Systems;

namespace Kv.Etcd.Tests.Differential;

/// <summary>
/// Few keys, so that operations meet: at most twelve. Up to there etcd's sort is stable, and the order of
/// equals is no accident.
/// </summary>
/// <param name="prefix">Every key and range stays below it; empty: the whole key space.</param>
internal sealed class KeyPool(Random dice, string prefix)
{
    private static readonly string[] Names =
    [
        "a", "a\0", "a\0b", "ab", "abc", "b", "b\x7f", "ba", "c/1", "c/2", "\xff", "\xff\xff",
    ];

    // Without a prefix only: the empty one has no end, and no session may see another's keys.
    private static readonly string[] Prefixes = ["a", "ab", "c/", "b"];

    private static readonly string[] Values = ["", "x", "y", "10", "9", "\0", "\xff\0", "a longer value"];

    public ByteString Key() => Keys.Of(prefix + dice.GetItems(Names, 1)[0]);

    public ByteString Value() => Keys.Of(dice.GetItems(Values, 1)[0]);

    /// <summary>A key, a prefix, from a key on, everything, or any two keys in any order.</summary>
    public (ByteString Key, ByteString End) Range() => dice.Next(10) switch
    {
        < 3 => (Key(), ByteString.Empty),
        < 5 => InPrefix(prefix + dice.GetItems(Prefixes, 1)[0]),
        < 7 => FromOn(),
        < 8 => Everything(),
        _ => (Key(), Key()),
    };

    /// <summary>A range whose end is not before its start and that has an end.</summary>
    public (ByteString Key, ByteString End) RangeWithEnd()
    {
        (ByteString one, ByteString other) = (Key(), Key());
        return string.CompareOrdinal(Keys.Text(one), Keys.Text(other)) switch
        {
            0 => (one, ByteString.Empty),
            < 0 => (one, other),
            _ => (other, one),
        };
    }

    private (ByteString, ByteString) FromOn() =>
        (Key(), Keys.Of(prefix.Length == 0 ? Keys.NoEnd : Keys.EndOfPrefix(prefix)));

    private (ByteString, ByteString) Everything() => prefix.Length == 0
        ? (Keys.Of("\0"), Keys.Of(Keys.NoEnd))
        : InPrefix(prefix);

    private static (ByteString, ByteString) InPrefix(string prefix) =>
        (Keys.Of(prefix), Keys.Of(Keys.EndOfPrefix(prefix)));
}
