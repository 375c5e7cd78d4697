using System.Text;
using Kv.Core.Entries;

namespace Kv.Actors.Nodes;

/// <summary>A node's number, where etcd's API wants one.</summary>
public static class MemberId
{
    /// <summary>Half a digest of the node id: the same at every start, and never 0 in practice.</summary>
    public static ulong Of(string nodeId) => Digest.Of(Encoding.UTF8.GetBytes(nodeId)).High;
}
