using Microsoft.Data.Sqlite;

namespace Kv.Host.Tests.Hosting;

/// <summary>
/// Holds the write lock on the log of a process in embedded mode: nothing can be appended until it is
/// opened. It makes "the log does not answer now" last exactly as long as a test needs.
/// </summary>
internal sealed class LogGate : IDisposable
{
    private readonly SqliteConnection _connection;

    private LogGate(SqliteConnection connection) => _connection = connection;

    public static LogGate Close(HostProcess host)
    {
        SqliteConnection connection = EmbeddedLogFile.Connect(host, SqliteOpenMode.ReadWrite);
        using SqliteCommand begin = connection.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        begin.ExecuteNonQuery();
        return new LogGate(connection);
    }

    /// <summary>Appends go on.</summary>
    public void Open() => _connection.Close();

    public void Dispose() => _connection.Dispose();
}
