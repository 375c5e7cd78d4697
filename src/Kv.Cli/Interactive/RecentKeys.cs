using Google.Protobuf;
using Kv.Cli.Commands;
using Kv.Protos.V1;

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

        string? key = command switch
        {
            Command.Set set => set.Key,
            Command.Get get => get.Key,
            Command.Del del => del.Key,
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
