namespace Kv.Core.Snapshots;

/// <summary>Frame of a snapshot, version 1. docs/formats-snapshot.md has the table.</summary>
internal static class SnapshotFormat
{
    public const byte Version = 1;

    /// <summary>Magic, version, flags (0), two bytes 0.</summary>
    public const int PreambleBytes = 8;

    /// <summary>Kind, length of the payload.</summary>
    public const int HeadingBytes = 1 + sizeof(int);

    public const int ChecksumBytes = sizeof(ulong);

    public static ReadOnlySpan<byte> Magic => "KVSN"u8;

    public static byte[] Preamble() => [.. Magic, Version, 0, 0, 0];
}
