using Akka.Util;
using Microsoft.Data.Sqlite;

namespace Kv.Actors.Log.Embedded;

/// <summary>
/// One reader of the SQLite log, from an offset on; at the tail it waits for the writer's signal.
/// </summary>
internal sealed class SqliteLogReader : IDisposable
{
    /// <summary>Bytes of entries after which a run ends, so that a run stays within a few MiB.</summary>
    private const int RunBytesTarget = 1_048_576;

    private readonly SqliteLog _log;
    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _select;
    private readonly SqliteParameter _from;
    private long _next;
    private long _neededFrom;
    private bool _hasBegun;

    internal SqliteLogReader(SqliteLog log, SqliteConnection connection, long fromOffset)
    {
        _log = log;
        _connection = connection;
        _next = fromOffset;
        _neededFrom = fromOffset;
        _select = connection.CreateCommand();
        _select.CommandText = """
            SELECT "offset", entry FROM log WHERE "offset" >= $from ORDER BY "offset" LIMIT 128
            """;
        _from = _select.Parameters.Add("$from", SqliteType.Integer);
        log.Enter(this);
    }

    /// <summary>
    /// Its receiver may come back for what it was given last; below that nothing is needed. Any thread.
    /// </summary>
    internal long NeededFrom => Volatile.Read(ref _neededFrom);

    /// <summary>The next run of records, at least one; none when the log closes.</summary>
    internal async Task<Option<IReadOnlyList<LogRecord>>> ReadAsync()
    {
        if (!await _log.WaitForAsync(_next))
        {
            return Option<IReadOnlyList<LogRecord>>.None;
        }
        List<LogRecord> run = [];
        int bytes = 0;
        _from.Value = _next;
        using SqliteDataReader rows = _select.ExecuteReader();
        while (bytes < RunBytesTarget && rows.Read())
        {
            byte[] entry = rows.GetFieldValue<byte[]>(1);
            run.Add(new LogRecord(rows.GetInt64(0), entry));
            bytes += entry.Length;
        }
        // The first run may begin at the first entry retained, as on any log; a hole later on is a fault.
        if (_hasBegun && run[0].Offset != _next)
        {
            throw new LogUnavailableException(
                $"The log has offset {run[0].Offset} where {_next} is next: it was truncated under its "
                    + "reader.");
        }
        _hasBegun = true;
        Volatile.Write(ref _neededFrom, run[0].Offset);
        _next = run[^1].Offset + 1;
        return Option<IReadOnlyList<LogRecord>>.Create(run);
    }

    public void Dispose()
    {
        _log.Leave(this);
        _select.Dispose();
        _connection.Dispose();
    }
}
