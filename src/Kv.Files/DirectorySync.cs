using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Kv.Files;

/// <summary>
/// Makes renames in a directory durable: POSIX promises that only after an fsync of the directory itself, for
/// which .NET has no call.
/// </summary>
public static class DirectorySync
{
    private const int ReadOnly = 0;

    /// <exception cref="IOException">The directory could not be synced.</exception>
    public static void Flush(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            // NTFS journals renames; a directory cannot be flushed there.
            return;
        }
        int handle = Open(directory, ReadOnly);
        int result = handle < 0 ? -1 : Sync(handle);
        int error = Marshal.GetLastPInvokeError();
        if (handle >= 0)
        {
            _ = Close(handle);
        }
        if (result < 0)
        {
            throw new IOException(
                $"The directory {directory} cannot be synced: {new Win32Exception(error).Message}.");
        }
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sync(int handle);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int handle);
}
