using System.Text;
using Kv.Core.Auth;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Core.Auth;

public sealed class MergedRangesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void They_cover_what_the_permissions_cover_together(int seed)
    {
        var dice = new Random(seed);
        for (int i = 0; i < 3_000; i++)
        {
            KeyPermission[] permissions =
                [.. Enumerable.Range(0, dice.Next(8)).Select(_ => AnyPermission(dice))];
            (byte[] key, byte[] end) = AnyRange(dice);

            bool covers = new MergedRanges(permissions).Covers(key, end);

            Assert.True(
                covers == CoversOneByOne(permissions, key, end),
                $"[{Show(key)}, {Show(end)}) in {string.Join(' ', permissions.Select(static permission =>
                    $"[{Show(permission.Key.Span)}, {Show(permission.RangeEnd.Span)})"))}");
        }
    }

    [Fact]
    public void Overlapping_and_touching_ranges_become_one()
    {
        Assert.Equal(1, Ranges(("a", "c"), ("b", "d"), ("d", "f")).Count);
        Assert.Equal(1, Ranges(("a", "z"), ("b", "c")).Count);
        Assert.Equal(1, Ranges(("b", "\0"), ("c", "d"), ("x", "")).Count);
        Assert.Equal(2, Ranges(("a", "c"), ("d", "f")).Count);
    }

    [Fact]
    public void A_permission_of_no_keys_covers_none()
    {
        Assert.False(Ranges(("z", "a")).Covers("b"u8, []));
        // As in etcd, where an empty key stands above all others.
        Assert.False(Ranges(("", "\0")).Covers("b"u8, []));
        Assert.False(Ranges().Covers("b"u8, []));
    }

    [Fact]
    public void The_range_of_all_keys_needs_a_permission_of_all_keys()
    {
        Assert.True(Ranges(("\0", "\0")).Covers([], [0]));
        Assert.False(Ranges(("a", "\0")).Covers([], [0]));
        Assert.False(Ranges(("\0", "z")).Covers([], [0]));
    }

    private static MergedRanges Ranges(params (string Key, string End)[] ranges) => new(ranges.Select(
        static range => new KeyPermission(
            PermissionKind.Read, Entries.Utf8(range.Key), Entries.Utf8(range.End))));

    /// <summary>
    /// The union of half-open ranges covers another if its first key and every end within it lie in some of
    /// them.
    /// </summary>
    private static bool CoversOneByOne(KeyPermission[] permissions, byte[] key, byte[] end)
    {
        if (end.Length == 0)
        {
            return Array.Exists(permissions, permission => Has(permission, key));
        }
        IEnumerable<byte[]> ends = permissions
            .Where(static permission => permission.RangeEnd.Span is not [0])
            .Select(static permission => permission.RangeEnd.IsEmpty
                ? [.. permission.Key.Span, 0]
                : permission.RangeEnd.ToArray())
            .Where(one => one.AsSpan().SequenceCompareTo(key) > 0
                && (end is [0] || one.AsSpan().SequenceCompareTo(end) < 0));
        bool isOpenAbove = end is not [0] || Array.Exists(
            permissions, static permission => permission.RangeEnd.Span is [0]);
        return isOpenAbove && ends.Prepend(key).All(
            point => Array.Exists(permissions, permission => Has(permission, point)));
    }

    private static bool Has(KeyPermission permission, byte[] key) => permission.RangeEnd.Span switch
    {
        [] => key.AsSpan().SequenceEqual(permission.Key.Span),
        [0] => key.AsSpan().SequenceCompareTo(permission.Key.Span) >= 0,
        _ => key.AsSpan().SequenceCompareTo(permission.Key.Span) >= 0
            && key.AsSpan().SequenceCompareTo(permission.RangeEnd.Span) < 0,
    };

    private static KeyPermission AnyPermission(Random dice)
    {
        (byte[] key, byte[] end) = AnyRange(dice);
        return new KeyPermission(PermissionKind.Read, key, end);
    }

    private static (byte[] Key, byte[] End) AnyRange(Random dice)
    {
        byte[] key = AnyKey(dice);
        byte[] other = AnyKey(dice);
        return dice.Next(8) switch
        {
            0 or 1 => (key, []),
            2 => (key, [0]),
            _ when key.AsSpan().SequenceCompareTo(other) < 0 => (key, other),
            _ when key.AsSpan().SequenceCompareTo(other) > 0 => (other, key),
            _ => (key, []),
        };
    }

    private static byte[] AnyKey(Random dice) =>
        [.. Enumerable.Range(0, dice.Next(1, 3)).Select(_ => (byte)('a' + dice.Next(5)))];

    private static string Show(ReadOnlySpan<byte> key) =>
        Encoding.UTF8.GetString(key).Replace("\0", "\\0", StringComparison.Ordinal);
}
