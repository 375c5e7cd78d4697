using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace Kv.Cli.Etcd;

/// <summary>Keys, values and lease ids of etcd's protocol, as they are written on a line. Pure.</summary>
internal static class EtcdBytes
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The end of a range that has none: from its key on.</summary>
    public static ByteString NoEnd { get; } = ByteString.CopyFrom(0);

    /// <summary>The end of the range of all keys that begin with a prefix.</summary>
    public static ByteString PrefixEnd(ByteString prefix)
    {
        byte[] end = prefix.ToByteArray();
        for (int at = end.Length - 1; at >= 0; at--)
        {
            if (end[at] < byte.MaxValue)
            {
                end[at]++;
                return ByteString.CopyFrom(end, 0, at + 1);
            }
        }

        return NoEnd;
    }

    /// <summary>What a word says.</summary>
    /// <param name="word">UTF-16, or base64.</param>
    /// <param name="isBase64">Which of the two.</param>
    /// <exception cref="UsageException">It is not base64; or half a surrogate pair is in it.</exception>
    public static ByteString FromWord(string word, bool isBase64)
    {
        try
        {
            return isBase64 ? ByteString.FromBase64(word) : ByteString.CopyFrom(Strict.GetBytes(word));
        }
        catch (Exception error) when (error is FormatException or EncoderFallbackException)
        {
            throw new UsageException($"{word} is not {(isBase64 ? "base64" : "text")}.");
        }
    }

    /// <summary>The bytes as text; null when they are not UTF-8.</summary>
    public static string? TextOf(ByteString bytes)
    {
        try
        {
            return Strict.GetString(bytes.Span);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>A lease's id as etcd's tools write it: hexadecimal.</summary>
    public static string LeaseText(long id) => id.ToString("x", CultureInfo.InvariantCulture);

    /// <exception cref="UsageException">The text is no id.</exception>
    public static long ParseLease(string text) =>
        long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long id)
            && id > 0
            ? id
            : throw new UsageException(
                $"{text} is no lease: give its id, hexadecimal, as lease grant or lease list shows it.");
}
