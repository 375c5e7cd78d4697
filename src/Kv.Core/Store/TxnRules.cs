using Kv.Core.Entries;

namespace Kv.Core.Store;

/// <summary>
/// What can be said of a transaction without the store: the checks that etcd's server makes before it
/// proposes one.
/// </summary>
public static class TxnRules
{
    /// <returns>Null: it may be applied; or why not.</returns>
    public static StoreError? Check(Command.Txn txn) =>
        CheckShape(txn, KvLimits.TxnCommandsMax, depth: 1)
        ?? (HasDuplicates(txn.Success) || HasDuplicates(txn.Failure) ? StoreError.DuplicateKey : null);

    /// <summary>Nothing in it writes, whichever way the compares go.</summary>
    public static bool IsReadOnly(Command.Txn txn) => txn.Success.Concat(txn.Failure).All(
        static command => command is Command.Range || (command is Command.Txn nested && IsReadOnly(nested)));

    /// <summary>Something in it may add to the store.</summary>
    internal static bool HasPuts(Command.Txn txn) => txn.Success.Concat(txn.Failure).Any(
        static command => command is Command.Put || (command is Command.Txn nested && HasPuts(nested)));

    public static StoreError? Check(Command.Put put) =>
        put.Key.IsEmpty ? StoreError.KeyEmpty
        : put.Options.HasFlag(PutOptions.IgnoreValue) && !put.Value.IsEmpty ? StoreError.ValueProvided
        : put.Options.HasFlag(PutOptions.IgnoreLease) && put.LeaseId != 0 ? StoreError.LeaseProvided
        : null;

    private static StoreError? CheckShape(Command.Txn txn, int commandsMax, int depth)
    {
        int most = Math.Max(txn.Compares.Count, Math.Max(txn.Success.Count, txn.Failure.Count));
        if (most > commandsMax || depth > KvLimits.TxnDepthMax)
        {
            return StoreError.TooManyOperations;
        }
        if (txn.Compares.Any(static compare => compare.Key.IsEmpty))
        {
            return StoreError.KeyEmpty;
        }
        return txn.Success.Concat(txn.Failure)
            .Select(command => command switch
            {
                Command.Put put => Check(put),
                Command.DeleteRange { Key.IsEmpty: true } => StoreError.KeyEmpty,
                Command.Range { Query.Key.IsEmpty: true } => StoreError.KeyEmpty,
                Command.DeleteRange or Command.Range => null,
                Command.Txn nested => CheckShape(nested, commandsMax - most, depth + 1),
                _ => throw new ArgumentException(
                    $"A transaction cannot hold a {command.GetType().Name}.", nameof(txn)),
            })
            .FirstOrDefault(static error => error is not null);
    }

    private static bool HasDuplicates(IReadOnlyList<Command> commands) =>
        Collect(commands, new HashSet<ReadOnlyMemory<byte>>(KeyBytes.Comparer), []);

    /// <summary>
    /// Gathers what a list of commands writes; the two lists of a nested transaction do not meet each other.
    /// </summary>
    /// <returns>True: a key is put twice, or put and deleted.</returns>
    private static bool Collect(
        IReadOnlyList<Command> commands, HashSet<ReadOnlyMemory<byte>> puts, List<RangeQuery> deletions)
    {
        deletions.AddRange(commands.OfType<Command.DeleteRange>().Select(
            static deletion => new RangeQuery(deletion.Key, deletion.RangeEnd)));
        foreach (Command.Txn nested in commands.OfType<Command.Txn>())
        {
            var thenPuts = new HashSet<ReadOnlyMemory<byte>>(KeyBytes.Comparer);
            var elsePuts = new HashSet<ReadOnlyMemory<byte>>(KeyBytes.Comparer);
            List<RangeQuery> thenDeletions = [];
            List<RangeQuery> elseDeletions = [];
            if (Collect(nested.Success, thenPuts, thenDeletions)
                || Collect(nested.Failure, elsePuts, elseDeletions)
                || thenPuts.Concat(elsePuts).Any(key => puts.Contains(key) || IsDeleted(key, deletions)))
            {
                return true;
            }
            puts.UnionWith(thenPuts);
            puts.UnionWith(elsePuts);
            deletions.AddRange(thenDeletions);
            deletions.AddRange(elseDeletions);
        }
        return commands.OfType<Command.Put>().Any(
            put => !puts.Add(put.Key) || IsDeleted(put.Key, deletions));
    }

    private static bool IsDeleted(ReadOnlyMemory<byte> key, List<RangeQuery> deletions) =>
        deletions.Exists(deletion => deletion.Contains(key.Span));
}
