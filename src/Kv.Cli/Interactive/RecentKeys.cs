using Google.Protobuf;
using Kv.Cli.Commands;
using Kv.Cli.Etcd;
using Kv.Protos.Etcd;
using Kv.Protos.V1;
using KeyValue = Kv.Protos.V1.KeyValue;

namespace Kv.Cli.Interactive;

/// <summary>The keys this conversation has met, most recent first, for completion. Bounded.</summary>
internal sealed class RecentKeys
{
    public const int KeysMax = 500;

    private readonly LinkedList<string> _keys = [];

    public IEnumerable<string> Keys => _keys;

    /// <summary>Takes the key a command names, and those a reply lists.</summary>
    public void Learn(Command command, IMessage? reply = null)
    {
        if (reply is PrintReply print)
        {
            // From the end, so that the first key printed is the first one offered.
            IEnumerable<KeyValue> entries = print.Entries.Where(entry => !entry.KeyIsBase64).Take(KeysMax);
            foreach (KeyValue entry in entries.Reverse())
            {
                Add(entry.Key);
            }
        }

        if (reply is RangeResponse range)
        {
            foreach (Protos.Etcd.KeyValue entry in range.Kvs.Take(KeysMax).Reverse())
            {
                if (EtcdBytes.TextOf(entry.Key) is { } text)
                {
                    Add(text);
                }
            }
        }

        string? key = command switch
        {
            Command.Set set => set.Key,
            Command.Get get => get.Key,
            Command.Del del => del.Key,
            Command.Put put => EtcdBytes.TextOf(put.Request.Key),
            Command.Range asked => EtcdBytes.TextOf(asked.Request.Key)?.Trim('\0'),
            Command.Watch watch => EtcdBytes.TextOf(watch.Request.Key)?.Trim('\0'),
            _ => null,
        };
        if (!string.IsNullOrEmpty(key))
        {
            Add(key);
        }
    }

    private void Add(string key)
    {
        _keys.Remove(key);
        _keys.AddFirst(key);
        if (_keys.Count > KeysMax)
        {
            _keys.RemoveLast();
        }
    }
}
