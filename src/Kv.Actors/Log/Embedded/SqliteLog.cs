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

    private const string Schema = """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS log ("offset" INTEGER PRIMARY KEY, entry BLOB NOT NULL);
        """;

    private readonly string _connectionString;
    private readonly FileStream _lock;
    private readonly Channel<Append> _appends =
        Channel.CreateBounded<Append>(new BoundedChannelOptions(AppendsWaitingMax) { SingleReader = true });

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

    private sealed record Append(ReadOnlyMemory<byte> Entry, TaskCompletionSource Done);

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

    public async Task AppendAsync(ReadOnlyMemory<byte> entry, CancellationToken stopping)
    {
        var append = new Append(entry, NewSignal());
        try
        {
            await _appends.Writer.WriteAsync(append, stopping);
        }
        catch (ChannelClosedException closed)
        {
            throw new LogUnavailableException("The log is closed.", closed);
        }
        await append.Done.Task;
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
        _appends.Writer.TryComplete();
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

    private async Task WriteAsync(SqliteConnection connection)
    {
        await using SqliteConnection own = connection;
        List<Append> batch = [];
        while (await _appends.Reader.WaitToReadAsync())
        {
            while (batch.Count < AppendsWaitingMax && _appends.Reader.TryRead(out Append? append))
            {
                batch.Add(append);
            }
            WriteBatch(own, batch);
            batch.Clear();
        }
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
                    + $"written "
                + $"({failure.Message})",
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
