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

    internal SqliteLogReader(SqliteLog log, SqliteConnection connection, long fromOffset)
    {
        _log = log;
        _connection = connection;
        _next = fromOffset;
        _select = connection.CreateCommand();
        _select.CommandText = """
            SELECT "offset", entry FROM log WHERE "offset" >= $from ORDER BY "offset" LIMIT 128
            """;
        _from = _select.Parameters.Add("$from", SqliteType.Integer);
    }

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
        _next = run[^1].Offset + 1;
        return Option<IReadOnlyList<LogRecord>>.Create(run);
    }

    public void Dispose()
    {
        _select.Dispose();
        _connection.Dispose();
    }
}
