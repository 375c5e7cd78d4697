using System.Buffers.Binary;
using System.Security.Cryptography;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Core.Store;

namespace Kv.Files;

/// <summary>
/// Data directories of nodes that will found a cluster on a state that is there already. Such a directory
/// has nothing but the base: it belongs to no cluster yet.
/// </summary>
public static class BaseDirectory
{
    /// <summary>Where a data directory has its snapshots.</summary>
    public const string Snapshots = "snapshots";

    /// <summary>What a file system makes in the root of a volume.</summary>
    private const string LostAndFound = "lost+found";

    /// <summary>Makes a data directory whose node founds a new cluster on the store's state.</summary>
    /// <param name="clusterSize">Configured members of the new cluster; null: as many as before.</param>
    /// <returns>The new cluster's genesis.</returns>
    /// <exception cref="IOException">The directory is not empty, or cannot be written.</exception>
    public static async Task<Genesis> CreateAsync(
        string directory, KeyValueStore store, int? clusterSize, CancellationToken stopping)
    {
        ThrowUnlessEmpty(directory);
        return await WriteAsync(Path.Combine(directory, Snapshots), store, clusterSize, stopping);
    }

    /// <summary>Writes the base of a new cluster to a directory of snapshots.</summary>
    /// <inheritdoc cref="CreateAsync"/>
    public static async Task<Genesis> WriteAsync(
        string snapshots, KeyValueStore store, int? clusterSize, CancellationToken stopping)
    {
        StoreCapture capture = BaseSnapshot.Of(store, NewClusterId(), clusterSize);
        await new SnapshotFiles(snapshots).SaveAsync(capture, isPinned: false, stopping);
        return capture.Header.Genesis;
    }

    /// <exception cref="IOException">There is something in it.</exception>
    public static void ThrowUnlessEmpty(string directory)
    {
        if (Directory.Exists(directory)
            && Directory.EnumerateFileSystemEntries(directory).FirstOrDefault(
                static entry => Path.GetFileName(entry) != LostAndFound) is { } found)
        {
            throw new IOException(
                $"The directory {directory} is not empty: there is {Path.GetFileName(found)}. Nothing was "
                + "written.");
        }
    }

    private static ulong NewClusterId()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) | 1;
    }
}
