using System.Text.Unicode;
using Kv.Actors.Nodes;
using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Merge;
using Kv.Core.Store;

namespace Kv.Actors.Queue;

/// <summary>From the node's commands to queue mode's messages.</summary>
internal static class QueueCommands
{
    /// <exception cref="KvException">Queue mode cannot do this.</exception>
    public static QueueMessage ToMessage(Command command, string nodeId)
    {
        string uuid = Guid.NewGuid().ToString("D");
        return command switch
        {
            Command.Set set => new QueueMessage(
                QueueCommand.Set, set.Key.ToArray(), set.Value.ToArray(), nodeId, uuid, Origin: null),
            Command.Get get =>
                new QueueMessage(QueueCommand.Get, get.Key.ToArray(), [], nodeId, uuid, Origin: null),
            Command.Del del =>
                new QueueMessage(QueueCommand.Del, del.Key.ToArray(), [], nodeId, uuid, Origin: null),
            Command.Print => new QueueMessage(QueueCommand.Print, [], [], nodeId, uuid, Origin: null),
            _ => throw new KvException(KvError.UnsupportedInMode,
                $"Queue mode has no total order, which {command.GetType().Name} needs."),
        };
    }

    /// <summary>What the store itself would refuse, the same on every node; null: nothing.</summary>
    public static StoreError? RefusalOf(QueueMessage message)
    {
        if (message.Command != QueueCommand.Print && message.Key.Length == 0) { return StoreError.KeyEmpty; }
        bool isLarge = message.Key.Length + message.Value.Length > KvLimits.RequestBytesMax;
        return isLarge ? StoreError.RequestTooLarge : null;
    }

    /// <exception cref="KvException">The message cannot be written as JSON.</exception>
    public static byte[] Encode(QueueMessage message)
    {
        if (!Utf8.IsValid(message.Key))
        {
            throw new KvException(KvError.UnsupportedInMode, "Keys are UTF-8 text in queue mode.");
        }
        try
        {
            return QueueMessageCodec.Encode(message);
        }
        catch (ArgumentException cause)
        {
            throw new KvException(
                KvError.UnsupportedInMode, $"Values are JSON in queue mode. {cause.Message}", cause);
        }
    }
}
