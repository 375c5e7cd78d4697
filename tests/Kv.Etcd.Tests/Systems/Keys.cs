using System.Text;
using Google.Protobuf;

namespace Kv.Etcd.Tests.Systems;

/// <summary>Bytes as text of one character a byte (Latin-1): any bytes, ordered alike.</summary>
internal static class Keys
{
    /// <summary>The range end that means: no end.</summary>
    public const string NoEnd = "\0";

    public static ByteString Of(string text) => ByteString.CopyFrom(text, Encoding.Latin1);

    public static string Text(ByteString bytes) => bytes.ToString(Encoding.Latin1);

    /// <summary>The range end of all keys with a prefix; it must not end in 0xFF.</summary>
    public static string EndOfPrefix(string prefix) => prefix[..^1] + (char)(prefix[^1] + 1);
}
