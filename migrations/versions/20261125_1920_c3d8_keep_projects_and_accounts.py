"""Keep joint projects and the funding accounts that pay."""

import sqlalchemy as sa
from alembic import op

revision = 'c3d8'
down_revision = 'b2c9'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('project',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uid', sa.String(length=32), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('name_ko', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=False),
    sa.Column('leader_id', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('starts_on <= ends_on', name=op.f('ck_project_ends_after_start')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_project_institution_id')),
    sa.ForeignKeyConstraint(['leader_id'], ['user.id'], name=op.f('fk_project_leader_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project')),
    sa.UniqueConstraint('uid', name=op.f('uq_project_uid'))
    )
    op.create_index(op.f('ix_project_institution_id'), 'project', ['institution_id'], unique=False)
    op.create_index(op.f('ix_project_leader_id'), 'project', ['leader_id'], unique=False)
    op.create_table('funding_account',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('name_ko', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('holder_id', sa.Integer(), nullable=False),
    sa.Column('funder', sa.String(length=200), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('budget', sa.BigInteger(), nullable=True),
    sa.Column('committed', sa.BigInteger(), nullable=False),
    sa.Column('modes', sa.JSON(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('budget IS NULL OR budget >= 0', name=op.f('ck_funding_account_no_debt')),
    sa.CheckConstraint('starts_on <= ends_on', name=op.f('ck_funding_account_ends_after_start')),
    sa.ForeignKeyConstraint(['holder_id'], ['user.id'], name=op.f('fk_funding_account_holder_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_funding_account_institution_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_funding_account_project_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_funding_account')),
    sa.UniqueConstraint('number', name=op.f('uq_funding_account_number'))
    )
    op.create_index(op.f('ix_funding_account_holder_id'), 'funding_account', ['holder_id'], unique=False)
    op.create_index(op.f('ix_funding_account_institution_id'), 'funding_account', ['institution_id'], unique=False)
    op.create_index(op.f('ix_funding_account_project_id'), 'funding_account', ['project_id'], unique=False)
    op.create_table('project_institution',
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_project_institution_institution_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_project_institution_project_id')),
    sa.PrimaryKeyConstraint('project_id', 'institution_id', name=op.f('pk_project_institution'))
    )
    op.create_table('project_member',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_project_member_project_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_project_member_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project_member')),
    sa.UniqueConstraint('project_id', 'user_id', name=op.f('uq_project_member_project_id_user_id'))
    )
    op.create_index(op.f('ix_project_member_user_id'), 'project_member', ['user_id'], unique=False)
    op.create_table('account_user',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['funding_account.id'], name=op.f('fk_account_user_account_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_account_user_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_user')),
    sa.UniqueConstraint('account_id', 'user_id', name=op.f('uq_account_user_account_id_user_id'))
    )
    op.create_index(op.f('ix_account_user_user_id'), 'account_user', ['user_id'], unique=False)
    op.create_table('project_share',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('parts', sa.Integer(), nullable=False),
    sa.Column('takes_remainder', sa.Boolean(), nullable=False),
    sa.Column('consent', sa.String(32), nullable=True),
    sa.Column('agreed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('agreed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(consent IS NULL) = (agreed_at IS NULL)', name=op.f('ck_project_share_agreed_when')),
    sa.CheckConstraint('parts > 0 AND parts <= 1000000', name=op.f('ck_project_share_a_part_of_all')),
    sa.ForeignKeyConstraint(['account_id'], ['funding_account.id'], name=op.f('fk_project_share_account_id')),
    sa.ForeignKeyConstraint(['agreed_by_id'], ['user.id'], name=op.f('fk_project_share_agreed_by_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_project_share_project_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project_share')),
    sa.UniqueConstraint('project_id', 'account_id', name=op.f('uq_project_share_project_id_account_id'))
    )
    op.create_index(op.f('ix_project_share_account_id'), 'project_share', ['account_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_project_share_account_id'), table_name='project_share')
    op.drop_table('project_share')
    op.drop_index(op.f('ix_account_user_user_id'), table_name='account_user')
    op.drop_table('account_user')
    op.drop_index(op.f('ix_project_member_user_id'), table_name='project_member')
    op.drop_table('project_member')
    op.drop_table('project_institution')
    op.drop_index(op.f('ix_funding_account_project_id'), table_name='funding_account')
    op.drop_index(op.f('ix_funding_account_institution_id'), table_name='funding_account')
    op.drop_index(op.f('ix_funding_account_holder_id'), table_name='funding_account')
    op.drop_table('funding_account')
    op.drop_index(op.f('ix_project_leader_id'), table_name='project')
    op.drop_index(op.f('ix_project_institution_id'), table_name='project')
    op.drop_table('project')
