using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kv.Actors.Presence;
using Kv.Core.Entries;
using Kv.Core.Snapshots;
using Kv.Files;

namespace Kv.Host.Nodes;

/// <summary>
/// A node's own directory: the cluster it belongs to, and a lock that keeps a second process out. A node that
/// belongs to a cluster never founds another, whatever has become of the log.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>The cluster that the directory belongs to.</summary>
    public const string ClusterFile = "cluster.json";

    /// <summary>Held by the process that uses the directory.</summary>
    public const string LockFile = "node.lock";

    /// <summary>What a recovery is about to put in place of everything else; gone when it is done.</summary>
    public const string Recovering = "recovering";

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly Lock _joining = new();

    private DataDirectory(string path, FileStream fileLock)
    {
        _path = path;
        _lock = fileLock;
        ClusterId = ReadClusterId(path);
    }

    /// <summary>The cluster this directory belongs to; 0: none yet.</summary>
    public ulong ClusterId { get; private set; }

    /// <exception cref="NodeRefusedException">It is in use, or cannot be used.</exception>
    public static DataDirectory Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            FileStream fileLock = Lock(path);
            if (!Directory.Exists(Path.Combine(path, Recovering)))
            {
                return new DataDirectory(path, fileLock);
            }
            fileLock.Dispose();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new NodeRefusedException(
                $"The data directory {path} is in use by another process or cannot be written "
                + $"({failure.Message}). KV_DATA_DIR (--data-dir) names another one.",
                failure);
        }
        throw new NodeRefusedException(
            $"A recovery of the data directory {path} was interrupted. Finish it: kv-host recover --data-dir "
            + $"{path}");
    }

    /// <summary>Keeps every other process out.</summary>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream Lock(string path) => new(
        Path.Combine(path, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    /// <summary>
    /// The genesis of the cluster to found on the base that lies here. Null: there is none, or the cluster
    /// was founded already, whatever has become of its log since.
    /// </summary>
    /// <exception cref="NodeRefusedException">The base is damaged: nothing may be founded on it.</exception>
    public async Task<Genesis?> ReadBaseAsync(SnapshotFiles snapshots, CancellationToken stopping)
    {
        if (ClusterId != 0)
        {
            return null;
        }
        try
        {
            return await snapshots.ReadBaseAsync(stopping);
        }
        catch (SnapshotException unusable)
        {
            throw new NodeRefusedException(
                $"The base in {snapshots.Directory} cannot be used: {unusable.Message} Nothing was founded. "
                + "Restore into an empty directory again (kv snapshot restore).",
                unusable);
        }
    }

    /// <summary>
    /// Notes the cluster down, on disk before it returns. The first one stays. Any thread: several nodes of a
    /// process may share the directory.
    /// </summary>
    public void Join(ulong clusterId)
    {
        using Lock.Scope joining = _joining.EnterScope();
        if (ClusterId != 0)
        {
            return;
        }
        WriteClusterId(_path, clusterId);
        ClusterId = clusterId;
    }

    /// <summary>Makes a directory that of a member, on disk before it returns.</summary>
    public static void WriteClusterId(string path, ulong clusterId)
    {
        var content = new JsonObject
        {
            ["cluster_id"] = clusterId.ToString("x16", CultureInfo.InvariantCulture),
        };
        DurableFile.Replace(
            Path.Combine(path, ClusterFile), Encoding.UTF8.GetBytes(content.ToJsonString()));
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>The cluster that a directory belongs to; 0: none yet.</summary>
    /// <exception cref="NodeRefusedException">The file that says so is damaged.</exception>
    public static ulong ReadClusterId(string path)
    {
        string file = Path.Combine(path, ClusterFile);
        if (!File.Exists(file))
        {
            return 0;
        }
        try
        {
            string text = JsonNode.Parse(File.ReadAllText(file))!["cluster_id"]!.GetValue<string>();
            return ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        }
        catch (Exception damaged) when (damaged is not IOException)
        {
            throw new NodeRefusedException(
                $"{file} is damaged ({damaged.Message}). If this node holds nothing that is needed, empty "
                + "its data directory: it then joins the cluster anew.",
                damaged);
        }
    }
}
