using Kv.Core.Entries;

namespace Kv.Actors.Publishing;

/// <summary>
/// A producer's entries between building and reading back: consecutive sequences, oldest first. Decides
/// what has to be appended (again); knows no log and no actor.
/// </summary>
/// <remarks>
/// A sequence names one byte string for ever once those bytes may be in the log. Whatever was appended
/// behind a failed entry stands in the log as a gap, which every store ignores: it goes out again, behind
/// its predecessor.
/// </remarks>
internal sealed class EntryWindow
{
    private readonly LinkedList<Entry> _entries = [];
    private long _lastSequence;

    internal int Count => _entries.Count;

    internal long NextSequence => _lastSequence + 1;

    internal Entry? Oldest => _entries.First?.Value;

    /// <summary>Something has to be appended, or is just being.</summary>
    internal bool HasAppends => _entries.Any(static entry => entry.State != AppendState.Confirmed);

    internal IEnumerable<PendingCommand> Waiting =>
        _entries.SelectMany(static entry => entry.ByCommand).SelectMany(static waiting => waiting);

    /// <summary>Puts an entry under <see cref="NextSequence"/>.</summary>
    internal void Add(byte[] bytes, IReadOnlyList<PendingCommand>[] byCommand) =>
        _entries.AddLast(new Entry(++_lastSequence, bytes, byCommand));

    /// <summary>What has to be appended now, in this order; from here on it counts as under way.</summary>
    internal IReadOnlyList<Entry> TakeForAppend()
    {
        List<Entry> now = [];
        foreach (Entry entry in _entries)
        {
            if (entry.State == AppendState.New)
            {
                entry.State = AppendState.Appending;
                entry.WasIgnored = false;
                now.Add(entry);
            }
        }
        return now;
    }

    /// <summary>The log has it.</summary>
    /// <returns>What that makes of it; null: it is no longer here, or was not under way.</returns>
    internal AppendState? Confirmed(long sequence)
    {
        if (Find(sequence) is not { State: AppendState.Appending } entry)
        {
            return null;
        }
        entry.State = entry.WasIgnored ? AppendState.New : AppendState.Confirmed;
        entry.MayBeInLog = true;
        return entry.State;
    }

    /// <summary>
    /// The store met the entry before its predecessor and ignored it: it has to go out again, and what was
    /// confirmed behind it. If its append has not ended yet, that very one may be the one ignored: it goes
    /// out again when it has.
    /// </summary>
    internal void Ignored(long sequence)
    {
        if (Find(sequence) is { State: AppendState.Appending } entry)
        {
            entry.WasIgnored = true;
        }
        AppendAgainFrom(sequence);
    }

    /// <summary>
    /// An append failed: the entry and those confirmed behind it have to go out again.
    /// </summary>
    /// <param name="neverPublished">The log says that this attempt handed it nothing.</param>
    /// <param name="filler">Makes the bytes that take the place of an entry that never left.</param>
    /// <returns>Who waited for an entry that never was handed to the log; they may try elsewhere.</returns>
    internal IReadOnlyList<PendingCommand> Failed(
        long sequence, bool neverPublished, Func<long, byte[]> filler)
    {
        if (Find(sequence) is not { } entry)
        {
            return [];
        }
        entry.MayBeInLog |= !neverPublished;
        entry.State = AppendState.New;
        AppendAgainFrom(sequence + 1);
        if (entry.MayBeInLog)
        {
            return [];
        }
        List<PendingCommand> released = [.. entry.ByCommand.SelectMany(static waiting => waiting)];
        entry.Replace(filler(sequence));
        return released;
    }

    /// <summary>What was confirmed from this sequence on has to go out again.</summary>
    internal void AppendAgainFrom(long sequence)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Sequence >= sequence && entry.State == AppendState.Confirmed)
            {
                entry.State = AppendState.New;
            }
        }
    }

    /// <summary>The store applied an entry of ours: its clients get their answers.</summary>
    /// <exception cref="InvalidOperationException">It is not the one that must come next: a bug.</exception>
    internal void ReadBack(PublisherActor.ReadBack back, AnswerGate answers)
    {
        Entry? oldest = Oldest;
        if (oldest is null || oldest.Sequence != back.Sequence || oldest.Hash != back.Hash)
        {
            throw new InvalidOperationException(
                $"Read back sequence {back.Sequence} ({back.Hash}), expected {oldest?.Sequence} "
                    + $"({oldest?.Hash}).");
        }
        _entries.RemoveFirst();
        for (int i = 0; i < oldest.ByCommand.Length; i++)
        {
            foreach (PendingCommand waiting in oldest.ByCommand[i])
            {
                answers.Answer(back.Offset, waiting, back.Replies[i]);
            }
        }
    }

    private Entry? Find(long sequence) => _entries.FirstOrDefault(entry => entry.Sequence == sequence);

    internal enum AppendState
    {
        /// <summary>Has to be appended (again).</summary>
        New = 1,

        /// <summary>Handed to the log; no word yet.</summary>
        Appending = 2,

        /// <summary>The log has it; it was not read back yet.</summary>
        Confirmed = 3,
    }

    internal sealed class Entry(long sequence, byte[] bytes, IReadOnlyList<PendingCommand>[] byCommand)
    {
        internal long Sequence { get; } = sequence;

        internal byte[] Bytes { get; private set; } = bytes;

        internal Digest Hash { get; private set; } = Digest.Of(bytes);

        /// <summary>Who waits for the command at each index. A barrier may be shared by many.</summary>
        internal IReadOnlyList<PendingCommand>[] ByCommand { get; private set; } = byCommand;

        internal AppendState State { get; set; } = AppendState.New;

        /// <summary>It came by as a gap while an append of it was under way.</summary>
        internal bool WasIgnored { get; set; }

        /// <summary>Some attempt may have reached the log: the bytes are fixed.</summary>
        internal bool MayBeInLog { get; set; }

        internal void Replace(byte[] filler)
        {
            Bytes = filler;
            Hash = Digest.Of(filler);
            ByCommand = [[]];
        }
    }
}
