using System.Text;
using Kv.Core.Entries;

namespace Kv.Actors.Tests.Core;

/// <summary>Short ways to write entries in tests.</summary>
internal static class Entries
{
    internal const ulong ClusterId = 0xC0FFEE;

    internal static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    internal static Command.Set Set(string key, string value) => new(Utf8(key), Utf8(value));

    internal static Command.Get Get(string key) => new(Utf8(key));

    internal static Command.Del Del(string key) => new(Utf8(key));

    internal static byte[] Genesis(ulong clusterId = ClusterId) =>
        Encode(
            clusterId, LogEntry.NoProducer, 0, new Command.Found(Kv.Core.Entries.Genesis.Empty(clusterId)));

    internal static byte[] Register(ulong nonce = 1, string nodeId = "n1") =>
        Encode(ClusterId, LogEntry.NoProducer, 0, new Command.Register(nonce, nodeId));

    internal static byte[] Encode(
        ulong clusterId, long producerId, long sequence, params Command[] commands) =>
        EntryCodec.Encode(Entry(clusterId, producerId, sequence, commands));

    internal static byte[] Encode(long producerId, long sequence, params Command[] commands) =>
        Encode(ClusterId, producerId, sequence, commands);

    internal static LogEntry Entry(
        ulong clusterId, long producerId, long sequence, params Command[] commands) => new()
    {
        ClusterId = clusterId,
        ProducerId = producerId,
        Sequence = sequence,
        BasisOffset = -1,
        BasisChain = Digest.Zero,
        TimestampMs = 1_700_000_000_000,
        Commands = [.. commands.Select(static command => new LoggedCommand(command))],
    };
}
