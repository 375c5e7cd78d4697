using System.Globalization;

namespace Kv.Core.Entries;

/// <summary>
/// A client's name for one mutating call, the same for each repetition: the first result is returned to
/// all.
/// </summary>
/// <param name="Id">Random, chosen by the client.</param>
/// <param name="IssuedAt">
/// A revision the client knew when it chose the id (0 is always right, and expires first): the call cannot
/// have been applied at or below it, which is what lets the table forget old ids safely.
/// </param>
public readonly record struct RequestId(UInt128 Id, long IssuedAt)
{
    /// <summary>Parses "REVISION-32HEX" or "32HEX" (dashes of a UUID allowed).</summary>
    public static bool TryParse(string text, out RequestId id)
    {
        id = default;
        int cut = text.IndexOf('-', StringComparison.Ordinal);
        long issuedAt = 0;
        string hex = text;
        // A UUID's first group has eight digits: what stands before a 32-digit rest is the revision.
        if (cut > 0 && text.Length - cut - 1 >= 32)
        {
            if (!long.TryParse(
                text.AsSpan(0, cut), NumberStyles.None, CultureInfo.InvariantCulture, out issuedAt))
            {
                return false;
            }
            hex = text[(cut + 1)..];
        }
        hex = hex.Replace("-", "", StringComparison.Ordinal);
        if (hex.Length != 32
            || !UInt128.TryParse(
                hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value))
        {
            return false;
        }
        id = new RequestId(value, issuedAt);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{IssuedAt}-{Id:x32}");
}
