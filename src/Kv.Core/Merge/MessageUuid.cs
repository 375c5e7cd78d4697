using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace Kv.Core.Merge;

/// <summary>A message_uuid as a number, so that a version costs 16 bytes for it and not a string.</summary>
public static class MessageUuid
{
    /// <summary>
    /// A UUID's own 128 bits; for any other text its XXH3 hash. Foreign senders may name messages as they
    /// like, and all nodes derive the same number.
    /// </summary>
    public static UInt128 Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool isUuid = text.Length == 36 && Guid.TryParseExact(text, "D", out _);
        return isUuid
            ? UInt128.Parse(text.Replace("-", "", StringComparison.Ordinal), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture)
            : XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(text));
    }
}
