using System.Threading.Channels;
using Akka;
using Akka.Streams.Dsl;
using Microsoft.Data.Sqlite;

namespace Kv.Actors.Log.Embedded;

/// <summary>
/// The log of embedded mode: one SQLite file, WAL, synchronous=FULL. An append completes when its
/// transaction is on disk; appends that arrive together share one transaction and one fsync.
/// </summary>
/// <remarks>
/// One process owns the file, which a lock file next to it makes sure of. Any thread may call.
/// </remarks>
public sealed class SqliteLog : IReplicationLog
{
    /// <summary>Appends that may wait for the writer; callers beyond it wait in line.</summary>
    private const int AppendsWaitingMax = 256;

    /// <summary>
    /// Entries deleted in one transaction, usually at most 16 MiB: appends wait for no more than that.
    /// </summary>
    private const int TruncationSlice = 128;

    private const string Schema = """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS log ("offset" INTEGER PRIMARY KEY, entry BLOB NOT NULL);
        """;

    private readonly string _connectionString;
    private readonly FileStream _lock;
    private readonly Channel<Request> _requests = Channel.CreateBounded<Request>(
        new BoundedChannelOptions(AppendsWaitingMax) { SingleReader = true });

    // Guarded by itself, also while entries are deleted: a reader that is in it finds all it needs.
    private readonly HashSet<SqliteLogReader> _readers = [];

    private readonly CancellationTokenSource _closing = new();
    private readonly Task _writer;
    private long _nextOffset;

    // Completed and replaced at each commit: readers at the tail wait on it.
    private TaskCompletionSource _grown = NewSignal();

    private SqliteLog(string connectionString, FileStream fileLock, SqliteConnection connection)
    {
        _connectionString = connectionString;
        _lock = fileLock;
        _nextOffset = ReadNextOffset(connection);
        _writer = Task.Run(() => WriteAsync(connection));
    }

    private abstract record Request(TaskCompletionSource Done);

    private sealed record Append(ReadOnlyMemory<byte> Entry, TaskCompletionSource Done) : Request(Done);

    private sealed record Truncation(long Before, TaskCompletionSource Done) : Request(Done);

    /// <summary>Offset of the next entry: 0 for a new log.</summary>
    public long NextOffset => Volatile.Read(ref _nextOffset);

    /// <summary>Opens the log in a directory and makes both if they do not exist.</summary>
    /// <exception cref="LogUnavailableException">
    /// Another process has it open, or the directory cannot be used; the message says which.
    /// </exception>
    public static SqliteLog Open(string directory)
    {
        string path = Path.Combine(directory, "log.sqlite");
        FileStream fileLock = TakeLock(directory, path);
        try
        {
            string connectionString = new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Pooling = false,
            }.ToString();
            SqliteConnection connection = Connect(connectionString);
            using SqliteCommand create = connection.CreateCommand();
            create.CommandText = Schema;
            create.ExecuteNonQuery();
            return new SqliteLog(connectionString, fileLock, connection);
        }
        catch (SqliteException failure)
        {
            fileLock.Dispose();
            throw new LogUnavailableException($"The log {path} cannot be opened: {failure.Message}", failure);
        }
    }

    public Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping) =>
        HandOverAsync(new Append(entry, NewSignal()), stopping);

    /// <summary>
    /// Deletes the entries below an offset, except those that a running reader still needs, and never the
    /// last one. The file does not shrink, but later entries take the room.
    /// </summary>
    /// <remarks>In slices, between appends.</remarks>
    /// <exception cref="LogUnavailableException">
    /// The log is closed or cannot be written; some entries may be deleted.
    /// </exception>
    public Task TruncateBeforeAsync(long offset, CancellationToken stopping = default) =>
        HandOverAsync(new Truncation(offset, NewSignal()), stopping);

    private async Task HandOverAsync(Request request, CancellationToken stopping)
    {
        try
        {
            await _requests.Writer.WriteAsync(request, stopping);
        }
        catch (ChannelClosedException closed)
        {
            throw new LogUnavailableException("The log is closed.", closed);
        }
        await request.Done.Task;
    }

    public Source<IReadOnlyList<LogRecord>, NotUsed> Read(long fromOffset) =>
        Source.UnfoldResourceAsync(
                create: () => Task.Run(
                    () => new SqliteLogReader(this, Connect(_connectionString), fromOffset)),
                read: static reader => reader.ReadAsync(),
                close: static reader =>
                {
                    reader.Dispose();
                    return Task.FromResult(Done.Instance);
                })
            .MapMaterializedValue(static _ => NotUsed.Instance);

    // One process owns the file: what is appended later stands at the next offset or behind it.
    public Source<IReadOnlyList<LogRecord>, Task> ReadTail() =>
        Source.Lazily(() => Read(NextOffset)).MapMaterializedValue(static _ => Task.CompletedTask);

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _writer;
        await _closing.CancelAsync();
        _closing.Dispose();
        _lock.Dispose();
    }

    /// <summary>Ends when the log has the offset, or false when the log closes.</summary>
    internal async Task<bool> WaitForAsync(long offset)
    {
        while (true)
        {
            Task grown = Volatile.Read(ref _grown).Task;
            if (NextOffset > offset)
            {
                return true;
            }
            try
            {
                await grown.WaitAsync(_closing.Token);
            }
            catch (Exception closed) when (closed is OperationCanceledException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    internal void Enter(SqliteLogReader reader)
    {
        lock (_readers)
        {
            _readers.Add(reader);
        }
    }

    internal void Leave(SqliteLogReader reader)
    {
        lock (_readers)
        {
            _readers.Remove(reader);
        }
    }

    private async Task WriteAsync(SqliteConnection connection)
    {
        await using SqliteConnection own = connection;
        List<Append> batch = [];
        Queue<Truncation> truncations = [];
        while (truncations.Count > 0 || await _requests.Reader.WaitToReadAsync())
        {
            while (batch.Count < AppendsWaitingMax && _requests.Reader.TryRead(out Request? request))
            {
                if (request is Append append)
                {
                    batch.Add(append);
                }
                else
                {
                    truncations.Enqueue((Truncation)request);
                }
            }
            if (batch.Count > 0)
            {
                WriteBatch(own, batch);
                batch.Clear();
            }
            if (truncations.TryPeek(out Truncation? truncation) && DeleteSlice(own, truncation))
            {
                truncations.Dequeue();
            }
        }
    }

    /// <returns>True: the truncation has ended.</returns>
    private bool DeleteSlice(SqliteConnection connection, Truncation truncation)
    {
        try
        {
            lock (_readers)
            {
                long needed = _readers.Select(static reader => reader.NeededFrom).Append(long.MaxValue).Min();
                long before = Math.Min(Math.Min(truncation.Before, needed), _nextOffset - 1);
                using SqliteCommand delete = connection.CreateCommand();
                delete.CommandText = """
                    DELETE FROM log WHERE "offset" < min($before, (SELECT min("offset") FROM log) + $slice)
                    """;
                delete.Parameters.AddWithValue("$before", before);
                delete.Parameters.AddWithValue("$slice", TruncationSlice);
                if (delete.ExecuteNonQuery() > 0)
                {
                    return false;
                }
            }
            truncation.Done.TrySetResult();
        }
        catch (SqliteException failure)
        {
            truncation.Done.TrySetException(
                new LogUnavailableException($"The log cannot be truncated: {failure.Message}", failure));
        }
        return true;
    }

    private void WriteBatch(SqliteConnection connection, List<Append> batch)
    {
        long offset = _nextOffset;
        try
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = """INSERT INTO log ("offset", entry) VALUES ($offset, $entry)""";
            SqliteParameter offsetValue = insert.Parameters.Add("$offset", SqliteType.Integer);
            SqliteParameter entryValue = insert.Parameters.Add("$entry", SqliteType.Blob);
            foreach (Append append in batch)
            {
                offsetValue.Value = offset++;
                entryValue.Value = append.Entry.ToArray();
                insert.ExecuteNonQuery();
            }
            transaction.Commit();
        }
        catch (SqliteException failure)
        {
            // A failed commit (disk full, I/O error) may be on disk all the same.
            RecoverNextOffset(connection);
            var unknown = new LogOutcomeUnknownException(
                $"The log could not be written: {failure.Message}", failure);
            batch.ForEach(append => append.Done.TrySetException(unknown));
            return;
        }
        Grow(offset);
        batch.ForEach(static append => append.Done.TrySetResult());
    }

    private void RecoverNextOffset(SqliteConnection connection)
    {
        try
        {
            Grow(ReadNextOffset(connection));
        }
        catch (SqliteException)
        {
            // Not readable either: the next append fails as this one did, or finds its offset taken and
            // comes here.
        }
    }

    private void Grow(long nextOffset)
    {
        Volatile.Write(ref _nextOffset, nextOffset);
        Interlocked.Exchange(ref _grown, NewSignal()).TrySetResult();
    }

    private static long ReadNextOffset(SqliteConnection connection)
    {
        using SqliteCommand last = connection.CreateCommand();
        last.CommandText = """SELECT coalesce(max("offset") + 1, 0) FROM log""";
        return (long)last.ExecuteScalar()!;
    }

    private static FileStream TakeLock(string directory, string path)
    {
        try
        {
            Directory.CreateDirectory(directory);
            return new FileStream(
                path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LogUnavailableException(
                $"The log {path} cannot be opened: another process has it, or the directory cannot be "
                + $"written ({failure.Message})",
                failure);
        }
    }

    private static SqliteConnection Connect(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        using SqliteCommand settings = connection.CreateCommand();
        settings.CommandText = "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;";
        settings.ExecuteNonQuery();
        return connection;
    }

    private static TaskCompletionSource NewSignal() => new(
        TaskCreationOptions.RunContinuationsAsynchronously);
}
