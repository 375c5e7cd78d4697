namespace Kv.Faults.Machine;

/// <summary>
/// A small file system of its own for a node's snapshots, which can be full, and slow: it is frozen for most
/// of the time, so that each write waits. It is gone with the runner's mount namespace.
/// </summary>
internal sealed class SnapshotDisk
{
    private const string ImageSize = "64M";

    private readonly string _mountPoint;

    private SnapshotDisk(string mountPoint) => _mountPoint = mountPoint;

    private string Filler => Path.Combine(_mountPoint, "filler");

    /// <exception cref="InvalidOperationException">The machine does not allow it.</exception>
    public static async Task<SnapshotDisk> MountAsync(string image, string mountPoint)
    {
        Directory.CreateDirectory(mountPoint);
        await Shell.RunAsync("truncate", "-s", ImageSize, image);
        await Shell.RunAsync("mkfs.ext4", "-q", "-m", "0", image);
        await Shell.RunAsync("mount", "-o", "loop", image, mountPoint);
        return new SnapshotDisk(mountPoint);
    }

    /// <summary>Takes all room that is left; <see cref="Mend"/> gives it back.</summary>
    public void Fill()
    {
        byte[] block = new byte[64 << 10];
        using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        try
        {
            while (true) { file.Write(block); }
        }
        catch (IOException)
        {
            // That was the last of it.
        }
    }

    /// <summary>
    /// Lets nothing through for nine tenths of the time. A process of its own thaws it, whatever becomes of
    /// the runner: who writes to a frozen file system cannot even be killed.
    /// </summary>
    public Task SlowDownAsync(int ms) => Shell.RunAsync(
        "sh",
        "-c",
        $"""
        for _ in $(seq {Math.Max(1, ms / 500)}); do
            fsfreeze --freeze '{_mountPoint}' && sleep 0.45
            fsfreeze --unfreeze '{_mountPoint}'; sleep 0.05
        done
        """);

    public void Mend() => File.Delete(Filler);

    public Task UnmountAsync() => Shell.RunAsync("umount", _mountPoint);
}
