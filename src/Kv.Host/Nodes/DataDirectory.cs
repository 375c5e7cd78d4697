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
    private const string ClusterFile = "cluster.json";

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly Lock _joining = new();

    private DataDirectory(string path, FileStream fileLock)
    {
        _path = path;
        _lock = fileLock;
        ClusterId = ReadClusterId();
    }

    /// <summary>The cluster this directory belongs to; 0: none yet.</summary>
    public ulong ClusterId { get; private set; }

    /// <exception cref="NodeRefusedException">It is in use, or cannot be used.</exception>
    public static DataDirectory Open(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            var fileLock = new FileStream(
                Path.Combine(path, "node.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new DataDirectory(path, fileLock);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new NodeRefusedException(
                $"The data directory {path} is in use by another process or cannot be written "
                + $"({failure.Message}). KV_DATA_DIR (--data-dir) names another one.",
                failure);
        }
    }

    /// <summary>
    /// The genesis of the cluster to found on the base that lies here. Null: there is none, or the cluster was
    /// founded already, whatever has become of its log since.
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
        var content = new JsonObject
        {
            ["cluster_id"] = clusterId.ToString("x16", CultureInfo.InvariantCulture),
        };
        DurableFile.Replace(
            Path.Combine(_path, ClusterFile), Encoding.UTF8.GetBytes(content.ToJsonString()));
        ClusterId = clusterId;
    }

    public void Dispose() => _lock.Dispose();

    private ulong ReadClusterId()
    {
        string file = Path.Combine(_path, ClusterFile);
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
